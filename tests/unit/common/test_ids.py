import time

from common.ids import new_id


def test_ids_are_version_7_variant_rfc_and_sortable_by_the_millisecond() -> None:
    before = time.time_ns() // 1_000_000
    made = [new_id() for _ in range(1000)]
    after = time.time_ns() // 1_000_000
    assert {each.version for each in made} == {7}
    assert {each.variant for each in made} == {"specified in RFC 4122"}
    assert all(before <= each.int >> 80 <= after for each in made)
    assert len(set(made)) == len(made)
