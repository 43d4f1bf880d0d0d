"""How rollouts go on: who is meant, what they do next, and what is carried out."""
