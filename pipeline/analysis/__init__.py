"""Tables in, tables out: centres, intervals and effects. No file is read or written here."""
