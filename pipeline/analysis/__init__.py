"""Tables in, tables out: estimates, intervals and effects. No file is read or written here."""
