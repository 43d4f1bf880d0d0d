"""What devices may install, by The Update Framework: keys, repositories, where they are kept."""
