from pipeline.core.errors import UserError


def test_a_user_error_is_not_mistaken_for_a_programming_error():
    assert not issubclass(UserError, ValueError | OSError | RuntimeError)
