"""From raw videos to what the dataset builders read: fetch, extract, index."""
