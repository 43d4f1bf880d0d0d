"""Datasets as .npz files: arrays read member by member, in rows, in bounded memory."""
