"""PostgreSQL's positions: places in the write-ahead log, which replicas replay (contract C11.4)."""

from __future__ import annotations

from myfy_data.engines.connect.position import Answer, Position, PositionQuestions

WRITTEN = """\
SELECT
  l.lsn::text,
  (SELECT system_identifier::text FROM pg_control_system()),
  ('x' || substr(pg_walfile_name(l.lsn), 1, 8))::bit(32)::int,
  current_setting('wal_block_size')::bigint,
  pg_size_bytes(current_setting('wal_segment_size'))
FROM (SELECT pg_current_wal_insert_lsn() AS lsn) l"""
# The insert position: with `synchronous_commit = off`, COMMIT is answered before its record is written or flushed.

APPLIED = "SELECT CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn()::text END"

_PAGE_HEADER, _FIRST_PAGE_HEADER = 24, 40
"""Bytes at the beginning of a page of the log, and of a segment's first page."""


def read_written(row: Answer) -> Position:
    """The position in the answer to `WRITTEN`.

    Behind a record that fills its page, the place to insert is said to be past the next page's header, and a replica
    that has applied everything says that it stands before it.
    """
    text, system, timeline, page, segment = row
    lsn = parse_lsn(text)
    header = _FIRST_PAGE_HEADER if lsn % segment < page else _PAGE_HEADER
    if lsn % page == header:
        lsn -= header
    return Position(f"{lsn >> 32:X}/{lsn & 0xFFFFFFFF:X}", system, str(timeline))


def reaches(row: Answer, position: str) -> bool:
    """Whether the answer to `APPLIED` is at or behind a position; that of a server that was promoted is not known."""
    [applied] = row
    return applied is not None and parse_lsn(applied) >= parse_lsn(position)


def parse_lsn(text: str) -> int:
    """A place in the log as a number: `16/B374D848`."""
    high, low = text.split("/")
    return (int(high, 16) << 32) + int(low, 16)


POSITIONS = PositionQuestions(written=WRITTEN, read_written=read_written, applied=lambda _: APPLIED, reaches=reaches)
