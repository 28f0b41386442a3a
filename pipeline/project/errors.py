"""The one kind of error that a person can mend: shown as a line, without a traceback, with exit status 2."""


class UserError(Exception):
    """A setting, file or environment is wrong; the message says where, what was found and what is allowed.

    One line a problem: the message may hold several lines when one check found several problems.
    """
