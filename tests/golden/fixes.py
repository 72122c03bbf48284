"""Doing what a printed fix says, without thinking: at the place, in the words of the fix, nothing else."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial

from myfy_data.errors import Problem
from tests.golden import edits, sources, steps
from tests.golden.project import Project
from tests.golden.spots import CannotApplyError

_USER_HOST = r"(?P<username>[^:@]*):?(?P<password>[^@]*)@(?P<host>.*)"
_HOST_PORT = r"(?P<host>[^:/]*):?(?P<port>\d*)/?(?P<database>.*)"


def apply(project: Project, problem: Problem) -> None:
    """Apply the fix of one problem.

    Raises:
        CannotApplyError: no rule fits the fix.
    """
    for pattern, rule in _RULES:
        if found := re.fullmatch(pattern, problem.fix, re.DOTALL):
            rule(project, problem, *found.groups())
            return
    raise CannotApplyError(problem.fix)


_RULES: tuple[tuple[str, Callable[..., None]], ...] = (
    (r"take .+ out of the URL(?:, and write.*)?|tls = .*\n.*", steps.paste_at_line),
    (r"delete this line|delete one of the two lines", steps.delete_line),
    (r"delete this line, and set (\w+)=(\w+) in the process", sources.in_process),
    (r"delete this line, and in (myfy\.toml): (\w+) = (.*)", sources.into_base),
    (r"delete it, and on the server: .*", steps.delete_line),
    (r"delete (?!it|the)(\w+)(?:; ALTER ROLE .*|, and .*)?", steps.delete_key),
    (r"delete one of them", steps.delete_other),
    (r"delete it, or rename it to (\S+) to keep it for yourself", sources.rename),
    (r"delete it(?:, or write \\\S+ inside \"...\")?", steps.delete_character),
    (r"delete the line(?:; .*)?|delete the key, or write .*", steps.delete_line),
    (r"delete the tag(?:; .*)?", partial(steps.edit, edits.delete_tag)),
    (r"delete the item, or write '' .*", partial(steps.edit, edits.empty_text)),
    (r"rename it to (\S+)(?: or the like| or myfy.yaml)?", sources.rename),
    (r"(?:touch|rm|mv|chmod|mkdir|myfy-data|\(umask) .*|echo .+ > \S+", sources.shell),
    (r"replace the link with the file itself: (cp .*)", sources.shell),
    (r"cd to the project; a new one begins with: (.*)", sources.shell),
    (r"put this line first: (.*)", steps.put_first),
    (r"put below the line (\S+): (.*)", steps.put_below),
    (r"remove the lower one: ([\w.]+)=(\S.*)", sources.assign),
    (r"name a file in it: (\S+)", sources.name_file),
    (r"(?:give the environment by its own argument: )?environment=\"(\w+)\", or .*", sources.environment),
    (r"leave this argument out", sources.leave_out),
    (r"leave one of the two out", sources.leave_one_out),
    (r"name a setting of it: (\S+)", sources.name_setting),
    (r"unset (\w+)(?:, or give it a value)?", sources.unset),
    (r"set enableServiceLinks: false in the pod's spec", sources.no_service_links),
    (r"set (\w+(?: and \w+)*)(?:, or give a default: .*)?", sources.set_variables),
    (r"set (\w+) to a whole number", sources.set_whole_number),
    (r"set (\w+) as well, which creates the profile", sources.set_beside),
    (r"--set (\S+)", sources.set_argument),
    (r"--config (\S+)", sources.name_file),
    (r"(MYFY_DATA_CONFIG)=(\S+)", sources.set_variable),
    (r"delete the quotes at both ends", partial(steps.edit, edits.bare)),
    (r"(chown .*  # once you have read it)", sources.shell),
    (r"([\w.]+)=(\S.*)", sources.assign),
    (r"([\w.-]+) (=) (.*)", steps.assign_in_file),
    (r"(unset: .*?)  # removes what a lower layer put there", steps.write_line),
    (r"([\w-]+)(:) (.*)", steps.assign_in_file),
    (r"write ([\w+]+) in its place", steps.write_driver),
    (r"write (app\.auth:token) in its place", steps.write_value),
    (r"use one of .*?, (postgresql\+asyncpg), .*", steps.write_driver),
    (r"(?:write it as|write the path itself:|write the whole path:) (\w+\S*://\S+)", steps.write_value),
    (r"write it as (\w+='\w+')", steps.write_line),
    (r"write (true|false)", steps.write_word),
    (r"write (\[[\w.]+\]|\w+:)", steps.write_line),
    (r"write \$\$\{ for the text .*", partial(steps.edit, edits.literal_reference)),
    (r"write %40 for each '@' of the password, or .*", partial(steps.edit, edits.escape_at_of_password)),
    (r"write %(?:2F|3F) for each '[/?]' of user and password, and .*", partial(steps.edit, edits.escape_userinfo)),
    (r"write %40 for each '@' of the password and of the query; .*", partial(steps.edit, edits.escape_at_of_query)),
    (r"write it as host:5432; .*", partial(steps.edit, edits.numeric_port)),
    (
        r"write (?:it|them|each behind it:?) ?(?:as )?\?host=a:5432&host=b:5432",
        partial(steps.edit, edits.hosts_of_query),
    ),
    (r"leave (?:one )?(\w+)=\.\.\.(?: alone)? in the URL", partial(steps.edit_by, edits.one_of_query)),
    (r"take it out of the URL and write beside it: (\w+) (=|:) \"(.*)\"", steps.beside_url),
    (r"take (\w+) out of the query and .*", steps.out_of_query),
    (r"give username and password as keys of their own", partial(steps.more_keys, pattern=_USER_HOST)),
    (r"give port and database as keys of their own", partial(steps.more_keys, pattern=_HOST_PORT)),
    (r"give it beside the URL, or .*", sources.password_beside),
    (r"move (\w+) out of (engine_options)", steps.out_of_table),
    (r"write it to a file, and name that", sources.into_a_file),
    (r"write \\\" for a quote inside .*", partial(steps.edit, edits.escape_inner_quotes)),
    (r"write '...' with single quotes .*", partial(steps.edit, edits.single_quotes)),
    (r"write key = value", partial(steps.edit, edits.key_equals_value)),
    (r"write `key: value`, .*", partial(steps.edit, edits.key_colon_value)),
    (r"write a space after the first colon of line (\d+)", partial(steps.at_line, edits.space_after_colon)),
    (r"write it with fewer levels", partial(steps.edit, edits.fewer_levels)),
    (r"end the line with \]\]?", partial(steps.edit, edits.end_with_bracket)),
    (r"write ',' between two (?:values|keys), and '([]}])' after the last", steps.comma),
    (r"write # before it, or key = value", partial(steps.edit, edits.comment)),
    (r"put a key with other signs .* in quotes", partial(steps.edit, edits.quote_sign)),
    (r"put each item on a line of its own", steps.item_below),
    (r"close it with the same quotes", partial(steps.edit, edits.close_quotes)),
    (r"close it with '\]' or '\}'", partial(steps.edit, edits.close_bracket)),
    (r"indent with spaces|align the keys of one table; .*", steps.indent_as_above),
    (r"keep one document in a file", steps.cut_from_here),
    (r"put the line (\[data\]) above it", steps.line_above),
    (r"put the line (data:) above it, and indent it by two spaces", steps.above_and_indented),
    (r"move it below the line (data:|\[data\])(?:, and indent it by two spaces)?", steps.beneath_line),
    (r"put the keys of both under the first, and delete this line", steps.join_tables),
    (r"put it in quotes: (\"\w+\")", steps.quote_key),
    (r"put text that starts with '\{' or '\[' in quotes", partial(steps.edit, edits.quote_bracket)),
    (r"put (?:the )?(?:text|value).* in quotes(?:: .*)?", partial(steps.edit, edits.quote_value)),
    (r"split the file into overlays", steps.split),
    (r"save the file as UTF-8", steps.as_utf8),
    (r"save the file with one kind of line ends, .*", steps.one_line_end),
    (r"move it to (\S+)", steps.move_to_base),
    (r"give a directory as `start`, or .*", sources.start_at_root),
    (r"mend these, then load again", sources.nothing),
    (r"(?:write|delete) .*", steps.paste_at_line),
)
