-- From now on the names of the latest rows and of the history mean what a rebuild derives.
RESET search_path
