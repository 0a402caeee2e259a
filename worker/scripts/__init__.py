"""What all script tasks share: properties, command line, files in and out, the line protocol. No plugin is here."""
