"""Why an object is as it is: the events that made it so, and what led to those."""
