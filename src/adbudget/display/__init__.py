"""What is told of work and of records: stages for the log and whoever watches, pages for a reader.

Facts and names go in; lines of the log, one line of progress, text and HTML come out. Imported by
every folder whose work takes long or whose records people look at.
"""
