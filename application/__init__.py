"""What can be done: commands as functions, views, policies, jobs and the ports they need."""
