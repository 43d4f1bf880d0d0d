"""Following the event log: views kept up to date, policies carried out, nothing skipped."""
