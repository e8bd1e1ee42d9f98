"""Bad input as tables: what is written, where the program must see it, and what it says.

A case is (name, text, "line:column", piece of the message). Texts stand in a file of
their own, or in one line of it, as each table says.
"""

import json
import re

from schemas import LIMITS

# ---- values, by the type of their field ----

TOO_LONG = "x" * 70
TEXT = [('""', "the value is empty"),
        (r'"a\nb"', "the value must be one line without tabs"),
        (r'"a\r\nBcc: x@y.example"', "the value must be one line without tabs"),
        (r'"a\x07b"', "the text holds a control character")]
LINES = [('""', "the value is empty"), (r'"a\x1bb"', "the text holds a control character")]
DATES = [("2027-02-30", "2027-02-30 is not a date: February 2027 has 28 days"),
         ("2027-13-01", "2027-13-01 is not a date: months run from 01 to 12"),
         ("2027-01-00", "2027-01-00 is not a date: days run from 01"),
         ("1066-10-14", "1066-10-14 is not a date: years run from 1900 to 2200"),
         ("31.12.2027", "'31.12.2027' is not a date: write 2027-01-23")]
PERIODS = [("soon", "'soon' is not a length of time"), ("-1 day", "-1 day is out of range; it"),
           ("99999999 days", "'99999999 days' is longer than 36500 days")]

VALUES = {
    "TEXT": TEXT,
    "LINES": LINES,
    "SLUG": [("Ä", "'Ä' cannot be used: a slug is of a-z, 0-9 and '-'"),
             ("../x", "'../x' cannot be used: a slug is of a-z, 0-9 and '-'"),
             (TOO_LONG, "is longer than 64 characters")],
    "NAME": [("9x", "'9x' cannot be used: a name is of a-z, 0-9 and '_'")],
    "CODE": [('"a b"', "'a b' cannot be used: a code is of letters a-z, digits"),
             (TOO_LONG, "is longer than 64 characters")],
    "PATH": [("/etc/passwd", "'/etc/passwd' is absolute"),
             ("../x.png", "'../x.png' leads out of its folder"),
             ("a/../../x", "'a/../../x' leads out of its folder"),
             (r'"a\\b"', "is not a path of a file"), (r'"a\x01"', "is not a path of a file")],
    "FILE": [("../x", "'../x' leads out of its folder"), (r'"a\x01"', "is not a path of a file")],
    "COLOR": [("red", "'red' is not a colour"), ('"#12345"', "'#12345' is not a colour"),
              ('"#12345g"', "'#12345g' is not a colour"),
              ('"#123456;x:url(y)"', "is not a colour")],
    "SECRET": [("hunter2", "a secret does not stand in the configuration"),
               ('"env:A B"', "behind env: stands the name of an environment variable"),
               ('"file:"', "behind file: stands the path of a file")],
    "ZONE": [('"Europe Tallinn"', "a time zone is a name such as Europe/Tallinn"),
             ("../etc/passwd", "a time zone is a name such as Europe/Tallinn"),
             ("A" * 80, "is longer than")],
    "COUNTRY": [("EST", "'EST' is not a country; write two letters"),
                ("E1", "'E1' is not a country; write two letters")],
    "INT": [("many", "'many' is not a whole number"), ("1e3", "'1e3' is not a whole number"),
            ('"1 000"', "write the digits alone"), ("0x10", "'0x10' is not a whole number"),
            ("9999999999999999999", "the number is too large")],
    "BOOL": [("maybe", "'maybe' is neither true nor false"),
             ("1", "'1' is neither true nor false")],
    "CHOICE": [("nonesuch", "'nonesuch' is not one of ")],
    "DATE": DATES + [('"2027-01-23 17:00"', "has a time; only a date can stand here")],
    "MOMENT": DATES + [('"2027-01-23 25:00"', "25:00 is not a time: times run from 00:00:00"),
                       ('"2027-01-23 17:00 Far away"', "is not the name of a time zone"),
                       ("tomorrow", "'tomorrow' is not a date")],
    "TIME": [("noon", "'noon' is not a time of day; write 17:00"),
             ('"24:01"', "'24:01' is not a time of day"),
             ('"17:00 Far away"', "'Far away' is not a name of a time zone")],
    "DURATION": PERIODS + [("1 month", "has months or years, which differ in length")],
    "PERIOD": PERIODS,
    "SIZE": [("big", "'big' is not a size")],
    "PERCENT": [("101%", "'101%' is more than 100 %"), ("half", "'half' is not a percentage"),
                ("-5%", "'-5%' is not a percentage")],
    "RATE": [("fast", "'fast' is not a rate"), ("1/century", "'1/century' is not a rate")],
    "EMAIL": [("nobody", "address 'nobody' has no '@'"),
              ('"a@@b.example"', "address 'a@@b.example' has two '@'"),
              (r'"a@b.example\r\nBcc: x@y.example"', "holds a line break"),
              ('"Mari <a@b.example>"', "holds an angle bracket"),
              ('"a@127.0.0.1"', "has an IP address where its domain should be")],
    "LANGUAGE": [("xx", "no language 'xx'; there are et, ru"),
                 ("estonian", "no language 'estonian'")],
    "BY_LANGUAGE": TEXT + [("{ et: [a] }", "the text in 'et' must be a text")],
    "LINES_BY_LANGUAGE": LINES + [("{ et: [a] }", "the text in 'et' must be a text")],
    "TERMS": [("[Ä]", "a word of a vocabulary is of a-z, 0-9"),
              ('["a b"]', "a word of a vocabulary is of a-z, 0-9")],
    "MAP": [],
}
URL_SCHEMES = [("javascript:alert(1)", "a URL with 'javascript:' cannot be used"),
               ("JaVaScRiPt:alert(1)", "a URL with 'JaVaScRiPt:' cannot be used"),
               ('"data:text/html,x"', "a URL with 'data:' cannot be used"),
               ("file:///etc/passwd", "a URL with 'file:' cannot be used"),
               ("www.naide.example", "it has no scheme such as")]
URL_FORMS = [("{}://", "the host is missing"), ("{}:x", "'//' is missing behind the scheme"),
             ("{}://a:b@naide.example/", "a user name or a password cannot stand in it"),
             ('"{}://naide.example/a b"', "or holds a space, a quote or a bracket"),
             (r'"{}://naide.example/\"><img src=x>"', "or holds a space, a quote or a bracket"),
             (r'"{}://naide.example/\r\nBcc: x@y.example"', "or holds a space, a quote")]
# Offset in the value where it is wrong, where that is not its beginning.
INNER = {"{ et: [a] }": 6, "[Ä]": 1, '["a b"]': 1}


def bad_values(field):
    """Yields (value as YAML, whether it stands in place of a list's items, offset of the
    mistake in it, piece of the message)."""
    if field.type == "NODE":
        return  # several things may stand there, and its room reads them
    if field.type == "URL":
        scheme = (field.schemes or ("", "https"))[-1]
        values = URL_SCHEMES + [(form.replace("{}", scheme), piece) for form, piece in URL_FORMS]
    else:
        values = VALUES[field.type]
    for value, piece in values:
        if 0 < field.most < 10 < len(value) and "must be one line" in piece:
            piece = f"bytes; at most {field.most} are allowed"
        yield value, False, INNER.get(value, 0), piece
    if field.type in ("TEXT", "BY_LANGUAGE"):
        most = field.most or LIMITS["LIMIT_VALUE"]
        yield "y" * (most + 1), False, 0, f"the text has {most + 1} bytes; at most {most}"
    if field.type in ("BY_LANGUAGE", "LINES_BY_LANGUAGE"):
        yield "{ xx: a }", False, 2, "no language 'xx'; there are et, ru"
    if field.type == "INT" and field.range:
        yield "-1", False, 0, "-1 is out of range; it must be from"
    if field.type == "MAP" and "KEYED" in field.flags:
        yield "5", True, 0, "this must be a mapping of names to values"
    elif field.type == "MAP":
        yield "{ nonesuch: 1 }", False, 2, "unknown key 'nonesuch'"
        if not field.sub.shorthand:
            yield "5", False, 0, "this must be a mapping of keys, not a single value"
    elif field.type != "TERMS" and not field.is_list:
        yield "[[a]]" if field.is_list else "[a]", False, 0, ", not a list"
    if field.type not in ("MAP", "TERMS", "BY_LANGUAGE", "LINES_BY_LANGUAGE"):
        yield "{ a: b }", False, 0, ", not a mapping"
    if field.is_list and "OR_ONE" not in field.flags:
        yield "5", True, 0, "this must be a list, such as [a, b]"
    if field.is_list:
        yield "[~]", True, 1, "a value of the list is empty"
    if field.is_list and "NOT_EMPTY" in field.flags:
        yield "[]", True, 0, "the list is empty"


# ---- bytes that are no text, in a comment of any YAML or a line of any calendar ----

NOT_UTF8 = {
    "a letter in Latin-1": b"\xe4 ",
    "a letter in windows-1257": b"\xf0\xe2 ",
    "an overlong slash of 2 bytes": b"\xc0\xaf",
    "an overlong slash of 3 bytes": b"\xe0\x80\xaf",
    "an overlong slash of 4 bytes": b"\xf0\x80\x80\xaf",
    "a lone high surrogate": b"\xed\xa0\x80",
    "a lone low surrogate": b"\xed\xbf\xbf",
    "a pair of surrogates": b"\xed\xa0\xbd\xed\xb8\x80",
    "beyond Unicode": b"\xf4\x90\x80\x80",
    "five bytes": b"\xf8\x88\x80\x80\x80",
    "a lone continuation": b"\x80",
    "a character cut short": b"\xe4\xb8",
    "FE": b"\xfe",
    "FF": b"\xff",
}

# ---- whole YAML files ----

YAML = [
    ("tab", "\tname: x\n", "1:1", "indent with spaces"),
    ("tab before an item", "name:\n\t- x\n", "2:1", "indent with spaces"),
    ("open quote", 'name: "abc\n', "2:1", "a quote is not closed"),
    ("open bracket", "name: [a, b\n", "2:1", "a bracket is not closed, or a comma is missing"),
    ("open brace", "name: {a: b\n", "2:1", "a bracket is not closed, or a comma is missing"),
    ("alias", "name: *x\n", "1:7", "aliases are not allowed ('*x')"),
    ("anchor", "name: &x a\n", "1:7", "anchors are not allowed ('&x')"),
    ("tag", "name: !!python/object:os.system x\n", "1:7", "tags are not allowed ('tag:yaml.org"),
    ("two documents", "name: a\n---\nname: b\n", "2:1", "a second document begins here"),
    ("merged mapping", "<<: {name: a}\n", "1:1", "unknown key '<<'"),
    ("list as a key", "? [a, b]\n: c\n", "1:3", "a key must be a word, not a list"),
    ("directive", "%YAML 3.0\n---\nname: a\n", "1:1", "found incompatible YAML document"),
    ("list", "- a\n- b\n", "1:1", "this must be a mapping of keys, not a list"),
    ("word", "hello\n", "1:1", "this must be a mapping of keys, not a single value"),
    ("nothing", "", "1:1", "'name' is missing"),
    ("comment", "# nothing\n", "1:1", "'name' is missing"),
    ("two colons", "name: a: b\n", "1:8", "a value that holds ': ' needs quotes"),
    ("indented key", "name: a\n  list: b\n", "2:7", "a value that holds ': ' needs quotes"),
    ("key twice", "name: a\nname: b\n", "2:1", "the key 'name' stands twice; it is on line 1"),
    ("deep brackets", "name: " + "[" * 1000 + "\n", "1:22", "are nested more than 16 deep"),
    ("deep blocks", "".join(" " * i + "a:\n" for i in range(300)), "17:17",
     "are nested more than 16 deep"),
    ("at sign", "name: @x\n", "1:7", "put a value that starts with one of"),
    ("backtick", "name: `x`\n", "1:7", "put a value that starts with one of"),
    ("unknown escape", 'name: "\\q"\n', "1:8", "unknown escape character"),
    ("escaped surrogate", 'name: "\\ud800"\n', "1:10", "invalid Unicode character escape"),
    ("escaped NUL", 'name: "a\\0b"\n', "1:7", "the value holds a NUL"),
    ("bad escape", 'name: "\\xZZ"\n', "1:10", "did not find expected hexdecimal number"),
    ("control character", "name: a\x01b\n", "1:8", "control characters are not allowed"),
    ("DEL", "name: a\x7fb\n", "1:8", "control characters are not allowed"),
    ("key of 2 KB", "k" * 2000 + ": a\n", "1:2001", "mapping values are not allowed"),
    ("line of 70 KB", "k" * 70000 + ": a\n", "1:1", "the line is longer than 65536 bytes"),
    ("no key", ": a\n", "1:1", "is the line indented like the keys above it?"),
    ("null as a key", "~: a\n", "1:1", "unknown key '~'"),
    ("text behind a block", "name: |\n a\nfoo\n", "4:1", "a key needs ': ' behind it"),
    ("two byte order marks", "\ufeff\ufeffname: a\n", "1:2", "'list' is missing"),
]

# ---- Markdown, in line 5 of an issue ----

MARKDOWN = [
    ("element", "<div>x</div>", "5:1", "HTML is not allowed here: '<div>x</div>'"),
    ("element in a line", "a <b>x</b>", "5:3", "HTML is not allowed here: '<b>'"),
    ("comment", "<!-- x -->", "5:1", "HTML is not allowed here"),
    ("CDATA", "<![CDATA[x]]>", "5:1", "HTML is not allowed here"),
    ("processing instruction", "<?php x ?>", "5:1", "HTML is not allowed here"),
    ("declaration", "<!DOCTYPE html>", "5:1", "HTML is not allowed here"),
    ("javascript", "[a](javascript:x)", "5:5", "link 'javascript:x' is not http, https"),
    ("JavaScript", "[a](JaVaScRiPt:x)", "5:5", "link 'JaVaScRiPt:x' is not http, https"),
    ("vbscript", "[a](vbscript:x)", "5:5", "link 'vbscript:x' is not http, https"),
    ("data", "[a](data:text/html,x)", "5:5", "link 'data:text/html,x' is not http, https"),
    ("file", "[a](file:///etc/passwd)", "5:5", "link 'file:///etc/passwd' is not http, https"),
    ("feed of javascript", "[a](feed:javascript:x)", "5:5", "is not http, https"),
    ("javascript by reference", "[a](&#106;avascript:x)", "5:1", "link 'javascript:x' is not"),
    ("javascript with a tab", "[a](java&#9;script:x)", "5:1", "write the whole address"),
    ("javascript with a line", "[a](java&#10;script:x)", "5:1", "write the whole address"),
    ("path", "[a](/x)", "5:5", "link '/x' is relative"),
    ("no scheme", "[a](//x.example/)", "5:5", "link '//x.example/' is relative"),
    ("anchor", "[a](#x)", "5:5", "link '#x' is relative"),
    ("no address", "[a]()", "5:1", "the link has no address"),
    ("no host", "[a](https://)", "5:5", "link 'https://' is not a whole address"),
    ("autolink", "<javascript:alert(1)>", "5:2", "is not http, https, mailto or tel"),
    ("definition", "[a]\n\n[a]: javascript:x", "5:1", "link 'javascript:x' is not http"),
    ("script as image", "![a](javascript:x)", "5:6", "is not a whole http or https address"),
    ("image of the site", "![a](assets/x.png)", "5:6", "is not a whole http or https address"),
    ("image in data", "![a](data:image/png;base64,xx)", "5:6", "is not a whole http or https"),
    ("image outside", "![a](../../../etc/passwd)", "5:6", "is not a whole http or https address"),
    ("image without words", "![](https://x.example/a.png)", "5:5", "has no alternative text"),
    ("ftp", "[a](ftp://x.example)", "5:5", "link 'ftp://x.example' is not http, https"),
    ("override in a link", "[x](https://x.example/\u202e)", "5:5", "is not a whole address"),
    ("token", "{{member.nmae}}", "5:1", "no token 'member.nmae'; did you mean 'member.name'?"),
    ("unescaped token", "{{{member.name}}}", "5:1", "'{{{' belongs to templates"),
    ("ampersand", "{{&member.name}}", "5:1", "'{{&' belongs to templates"),
    ("section", "{{#calls}}", "5:1", "'{{#' belongs to templates"),
    ("end of section", "{{/calls}}", "5:1", "'{{/' belongs to templates"),
    ("template comment", "{{! x }}", "5:1", "'{{!' belongs to templates"),
    ("open token", "{{member.name", "5:1", "'{{' is not closed by '}}' on this line"),
    ("empty token", "{{ }}", "5:1", "between '{{' and '}}' stands no name"),
    ("delimiters", "{{=<% %>=}}", "5:1", "between '{{' and '}}' stands no name"),
    ("dynamic block", "{{> *x}}", "5:1", "between '{{' and '}}' stands no name"),
    ("path as block", "{{> ../calls}}", "5:1", "between '{{' and '}}' stands no name"),
    ("block", "{{> nonesuch}}", "5:1", "no block 'nonesuch'"),
    ("block in a line", "a {{> calls}} b", "5:3", "block 'calls' must stand on a line of its own"),
    ("private use", "a\ue000b", "5:2", "character U+E000 is for private use"),
    ("private plane", "a\U000f0000b", "5:2", "character U+F0000 is for private use"),
    ("private reference", "a&#xe000;b", "5:2", "this character reference is for private use"),
    ("control reference", "a&#1;b", "5:2", "this character reference stands for a control"),
    ("control", "a\x01b", "5:2", "a control character (U+0001) is not allowed"),
    ("bell", "a\x07b", "5:2", "a control character (U+0007) is not allowed"),
    ("escape", "\x1b[31mred", "5:1", "a control character (U+001B) is not allowed"),
    ("backspace", "a\x08b", "5:2", "a control character (U+0008) is not allowed"),
    ("DEL", "a\x7fb", "5:2", "a control character (U+007F) is not allowed"),
    ("next line", "a\u0085b", "5:2", "a control character (U+0085) is not allowed"),
    ("NUL", "a\0b", "5:2", "the file holds a NUL byte"),
    ("60,000 brackets", "[" * 60000, "5:1", "too many marks"),
    ("20,000 emphases", "*a_" * 20000, "5:1", "too many marks"),
    ("20,000 ticks", "`" * 60000, "5:1", "too many marks"),
    ("10,000 open links", "[a](b" * 10000, "5:1", "too many marks"),
    ("50,000 parentheses", "[a](" + "(" * 50000, "5:1", "too many marks"),
    ("60,000 quotes", ">" * 60000, "5:1", "are nested more than 40 deep"),
    ("1,000 quoted lists", "> - " * 1000 + "a", "5:1", "are nested more than 40 deep"),
    ("50 numbered lists", "1) " * 50 + "a", "5:1", "are nested more than 40 deep"),
    ("line of 64 KB and 1", "a" * 65537, "5:1", "the line is longer than 65536 bytes"),
    ("text of 1.1 MB", ("a" * 80 + "\n") * 14000, "5:1", "the text is longer than 1048576 bytes"),
]

# ---- segments, each as the audience of an issue: column 4:11 of the file ----

SEGMENTS = [
    ("name =", "column 7: a value is missing after '='"),
    ("= music", "column 1: a condition is missing"),
    ("secter = music", "column 1: no field 'secter'; did you mean 'sector'?"),
    ("sector in ()", "column 12: a value is missing after '('"),
    ("sector in (music", "column 17: ')' is missing"),
    ("sector in (music,)", "column 18: a value is missing after ','"),
    ("sector = musik", "column 10: no sector 'musik'; did you mean 'music'?"),
    ("region = Nowhere", "column 10: no region 'Nowhere'"),
    ("region in (EE00A, Nowhere)", "column 19: no region 'Nowhere'"),
    ("language = xx", "column 12: no language 'xx'"),
    ("joined >= soon", "column 11: 'soon' is not a date"),
    ("joined = 2027-02-30", "column 10: 2027-02-30 is not a date: February 2027 has 28 days"),
    ("email ~", "column 8: a value is missing after '~'"),
    ("attr.none = 1", "column 1: no attribute 'none'"),
    ("attr.", "column 1: no attribute ''"),
    ("status = odd", "column 10: no status 'odd'"),
    ("subscribed(none)", "column 12: no list 'none'"),
    ("subscribed()", "column 12: a name is missing after '('"),
    ("invited(none)", "column 9: no event 'none'"),
    ("received(none)", "column 10: no issue 'none'"),
    ("rsvp(none) = yes", "column 6: no event 'none'"),
    ("and", "column 1: a condition is missing"),
    ("not", "column 4: a condition is missing after 'not'"),
    ("()", "column 2: a condition is missing after '('"),
    ("((((", "column 5: a condition is missing after '('"),
    ("name = 'a", "column 8: the text that starts here is not closed"),
    ('name = "a', "column 8: the text that starts here is not closed"),
    ("name = 'a; DROP TABLE member", "column 8: the text that starts here is not closed"),
    ("name = Mari extra", "column 13: 'and' or 'or' is missing before 'extra'"),
    ("name == Mari", "column 6: write '=' instead of '=='"),
    ("name <> Mari", "column 6: write '!=' instead of '<>'"),
    ("name = Mari &&", "column 13: write 'and' instead of '&&'"),
    ("name = Mari or", "column 15: a condition is missing after 'or'"),
    ("name = Mari)", "column 12: there is no '(' for this ')'"),
    ("kind = alien", "column 8: no kind 'alien'"),
    ("kind < individual", "column 6: 'kind' does not know '<'"),
    ("joined ~ 2027", "column 8: 'joined' does not know '~'"),
    ("name exists exists", "column 13: 'and' or 'or' is missing before 'exists'"),
    ("timezone = Mars/Base", "column 12: no time zone 'Mars/Base'"),
    ("1 = 1", "column 1: no field '1'"),
    ("%s", "column 1: '%' means nothing here"),
    ("$1 = 1", "column 1: '$' means nothing here"),
    ("Name", "column 1: no field 'Name'; did you mean 'name'?"),
    ("(" * 51 + "name = a" + ")" * 51, "column 51: more than 50 levels of '(' and 'not'"),
    ("not " * 60 + "name = a", "more than 50 levels of '(' and 'not'"),
    ("name in (" + ",".join("a" * 1001) + ")", "column 2010: the list has more than 1000 values"),
    ("name = a or " * 700 + "name = b", "the text has 8408 bytes; at most 8192 are allowed"),
    ("name = '\x01'", "the text holds a control character"),
]

# ---- deadlines, in line 3 of a call ----

DEADLINES = [
    ("2027-02-29", "2027-02-29 is not a date: February 2027 has 28 days"),
    ("2027-04-31", "2027-04-31 is not a date: April 2027 has 30 days"),
    ("2027-13-01", "months run from 01 to 12"), ("2027-00-10", "months run from 01 to 12"),
    ("2027-01-00", "days run from 01"),
    ("0000-01-01", "years run from 1900 to 2200"), ("2201-01-01", "years run from 1900 to 2200"),
    ("99999-01-01", "'99999-01-01' is not a date: write 2027-01-23"),
    ("27-01-01", "'27-01-01' is not a date"), ("2027-1-1", "'2027-1-1' is not a date"),
    ("2027/01/01", "'2027/01/01' is not a date"), ("01.02.2027", "'01.02.2027' is not a date"),
    ("tomorrow", "'tomorrow' is not a date"), ("2027-W05-1", "'2027-W05-1' is not a date"),
    ("２０２７-01-01", "'２０２７-01-01' is not a date"),
    ("2027-01-01 24:00", "24:00 is not a time: times run from 00:00:00 to 23:59:59"),
    ("2027-01-01 12:60", "12:60 is not a time"), ("2027-01-01 17:00:61", "17:00:61 is not a time"),
    ("2027-01-01 9:00", "'9:00' is not a time: write 17:00 or 17:00:30"),
    ("2027-01-01 09:00Z", "'2027-01-01 09:00Z' is not a date"),
    ("2027-01-01 09:00 Mars/Base", "no time zone 'Mars/Base'"),
    ("2027-01-01 09:00 UTC+2", "no time zone 'UTC+2'"),
    ("2027-01-01 09:00 +02:00", "'+02:00' is not the name of a time zone"),
    ("2027-01-01 09:00 ../etc", "'../etc' is not the name of a time zone"),
    ("2027-01-01 09:00 europe/tallinn", "no time zone 'europe/tallinn'; did you mean 'Europe/Ta"),
    ("2027-01-01 09:00 Europe/Tallinn x", "is not the name of a time zone"),
    ("2027-03-28 03:30 Europe/Tallinn", "2027-03-28 03:30 does not exist in Europe/Tallinn"),
    ("2027-10-31 03:30 Europe/Tallinn", "2027-10-31 03:30 comes twice in Europe/Tallinn"),
]

# ---- recurrence rules, in line 3 of a call ----

RULES = [
    ("FREQ=SECONDLY", "nothing here recurs faster"), ("FREQ=HOURLY", "nothing here recurs faster"),
    ("FREQ=SECONDLY;BYMONTH=2;BYMONTHDAY=30", "nothing here recurs faster"),
    ("FREQ=FORTNIGHTLY", "FREQ=FORTNIGHTLY: write YEARLY, MONTHLY, WEEKLY or DAILY"),
    ("FREQ=YEARLY;BYMONTH=0", "BYMONTH=0: a month is 1 to 12"),
    ("FREQ=YEARLY;BYMONTH=13", "BYMONTH=13: a month is 1 to 12"),
    ("FREQ=DAILY;INTERVAL=2", "a rule with INTERVAL or COUNT needs 'start'"),
    ("FREQ=MONTHLY;BYMONTHDAY=0", "BYMONTHDAY=0: a day of the month is 1 to 31"),
    ("FREQ=MONTHLY;BYMONTHDAY=32", "BYMONTHDAY=32: a day of the month is 1 to 31"),
    ("FREQ=MONTHLY;BYDAY=XX", "BYDAY=XX: a day is MO, TU, WE, TH, FR, SA or SU"),
    ("FREQ=WEEKLY;BYDAY=1MO", "a number in BYDAY is for FREQ=MONTHLY and FREQ=YEARLY"),
    ("FREQ=MONTHLY;BYDAY=6MO", "the rule yields no date from"),
    ("FREQ=YEARLY;BYWEEKNO=54", "BYWEEKNO=54: a week is 1 to 53"),
    ("FREQ=YEARLY;BYYEARDAY=367", "BYYEARDAY=367: a day of the year is 1 to 366"),
    ("FREQ=YEARLY;BYSETPOS=367;BYDAY=MO", "BYSETPOS=367: a position is 1 to 366"),
    ("FREQ=DAILY;BYSETPOS=1", "BYSETPOS chooses from the days of another BY part"),
    ("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30", "none of its months has such a day"),
    ("FREQ=DAILY;UNTIL=20200101", "the rule yields no date from"),
    ("FREQ=DAILY;UNTIL=x", "UNTIL=X: write 20271231"),
    ("FREQ=DAILY;FREQ=DAILY", "FREQ stands there twice"),
    ("FREQ=DAILY;X=1", "a rule has no part 'X'"), ("=DAILY", "a rule has no part ''"),
    ("FREQ", "FREQ has no value"), ("FREQ=", "FREQ has no value"), ("BYDAY=MO", "FREQ is missing"),
    ("RSCALE=CHINESE;FREQ=YEARLY", "RSCALE is not supported"),
    ("FREQ=WEEKLY;WKST=XX", "WKST is MO, TU, WE, TH, FR, SA or SU"),
]

# ---- calendars: a property in line 9 of an event, or a whole file ----

PROPERTIES = [(f"RRULE:{rule}", "9:1", piece) for rule, piece in RULES
              if "INTERVAL=2" not in rule and "from" not in piece] + [
    ("RRULE:FREQ=DAILY;COUNT=3;UNTIL=20280101T000000Z", "9:1", "COUNT and UNTIL exclude each"),
    ("RRULE:FREQ=DAILY;INTERVAL=0", "9:1", "INTERVAL=0: an interval is 1 to 1000"),
    ("RRULE:FREQ=DAILY;COUNT=99999999999999", "9:1", "a count is 1 to 100000"),
    ("EXDATE:notadate", "9:1", "EXDATE 'notadate' is not a date or a time"),
    ("EXDATE;TZID=Nowhere/Land:20270520T100000", "9:1", "no time zone 'Nowhere/Land'"),
    ("RDATE:2027", "9:1", "RDATE '2027' is not a date or a time"),
    ("DURATION:-PT1H", "9:1", "DURATION '-PT1H' is negative"),
    ("DURATION:P1Q", "9:1", "DURATION: 'P1Q' is not a length of time"),
    ("DURATION:P999999999D", "9:1", "'P999999999D' is longer than 36500 days"),
    ("STATUS:MAYBE", "9:1", "STATUS 'MAYBE' is not CONFIRMED, TENTATIVE or CANCELLED"),
    ("SEQUENCE:x", "9:1", "SEQUENCE 'x' is not a number"),
    ("SEQUENCE:-1", "9:1", "SEQUENCE '-1' is not a number"),
    ("SEQUENCE:99999999999999999999", "9:1", "is not a number"),
    ("DTEND:20260101T000000Z", "9:1", "the event ends before it begins"),
    ("DTEND;VALUE=DATE:20270521", "9:1", "must both be dates or both be times"),
    ("DTEND:20270520T250000Z", "9:1", "DTEND '20270520T250000Z' is not a date or a time"),
    ("DTEND:20270230T100000Z", "9:1", "DTEND '20270230T100000Z' is not a date or a time"),
    ("DTEND:", "9:1", "DTEND '' is not a date or a time"),
    ("RECURRENCE-ID;RANGE=THISANDFUTURE:20270520T100000Z", "9:1", "is not supported"),
    ("RECURRENCE-ID:20270520T100000Z", "4:1", "changed occurrences (RECURRENCE-ID) without"),
    ("NOCOLON", "9:1", "'NOCOLON' is not a property: there is no ':'"),
    ("X-Ä:1", "9:1", "is not a property: there is no ':'"),
    ('ORGANIZER;CN="a', "9:1", "is not a property: there is no ':'"),
    ("SUMMARY:Second", "9:1", "a second SUMMARY in one event"),
    ("DTSTART:20270521T100000Z", "9:1", "a second DTSTART in one event"),
    ("UID:2", "9:1", "a second UID in one event"),
    ("LOCATION:a\x01b", "9:1", "a control character (0x01) in 'LOCATION:a'"),
    ("BEGIN:VALARM", "10:1", "END:VEVENT stands where BEGIN:VALARM of line 9 must end"),
    ("END:VCALENDAR", "9:1", "END:VCALENDAR stands where BEGIN:VEVENT of line 4 must end"),
    ("END:VTODO", "9:1", "END:VTODO stands where BEGIN:VEVENT of line 4 must end"),
    ("BEGIN:VEVENT", "11:1", "END:VCALENDAR stands where BEGIN:VEVENT of line 4 must end"),
]


def calendar(*lines):
    """A calendar of one event; the first of `lines` stands in line 9."""
    return "\r\n".join(("BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//naide//EN", "BEGIN:VEVENT",
                        "UID:1@naide.example", "DTSTAMP:20260101T000000Z",
                        "DTSTART:20270520T100000Z", "SUMMARY:Foorum") + lines +
                       ("END:VEVENT", "END:VCALENDAR", ""))


CALENDARS = [
    ("empty", "", "1:1", "the file is not a calendar"),
    ("page", "<!DOCTYPE html><html></html>", "1:1", "the file is not a calendar"),
    ("bytes", bytes(range(256)), "1:1", "a control character (0x00)"),
    ("event alone", "BEGIN:VEVENT\r\nEND:VEVENT\r\n", "1:1", "stands outside of a VCALENDAR"),
    ("open event", "BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nUID:1\r\n", "2:1", "has no END:VEVENT"),
    ("no event", "BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n", "1:1", "the calendar holds no event"),
    ("two calendars", "BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n" * 2, "3:1", "a second calendar"),
    ("crossed", "BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nEND:VCALENDAR\r\n", "3:1",
     "END:VCALENDAR stands where BEGIN:VEVENT of line 2 must end"),
    ("no start", "BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nUID:1\r\nSUMMARY:a\r\nEND:VEVENT\r\n"
     "END:VCALENDAR\r\n", "2:1", "the event has no DTSTART"),
    ("no title", calendar().replace("SUMMARY:Foorum", "X-A:b"), "4:1", "the event has no SUMMARY"),
    ("answer", calendar().replace("VERSION:2.0", "METHOD:REPLY"), "1:1",
     "METHOD:REPLY is an answer to somebody, not an event"),
    ("two events", calendar("END:VEVENT", "BEGIN:VEVENT", "UID:2", "DTSTART:20270520T100000Z",
                            "SUMMARY:b"), "10:1", "a second event, 'b', begins"),
    ("year 9999", calendar().replace("20270520", "99990520"), "7:1", "is not a date or a time"),
    ("unknown zone", calendar().replace("DTSTART:20270520T100000Z",
                                        "DTSTART;TZID=X:20270520T100000"), "7:1",
     "no time zone 'X'"),
]

# ---- members: rows of a table, and whole tables ----

COLUMNS = ["email", "name", "language", "region", "kind", "sector", "tag", "joined", "timezone",
           "organisation", "consent_at", "consent_source"]
ROWS = [("email", value, piece) for value, piece in [
    ("a", "has no '@'"), ("a@", "has nothing behind the '@'"),
    ("@b.example", "has nothing before the '@'"), ("a@@b.example", "has two '@'"),
    ("a@b@c.example", "has two '@'"), ("a b@c.example", "holds a space"),
    ("a@exa mple.example", "holds a space"), ("a@b", "has no dot in its domain"),
    ("a@-b.example", "that starts or ends with '-'"),
    ("a@b-.example", "that starts or ends with '-'"),
    ("a@b..example", "has two dots in a row"), (".a@b.example", "starts with a dot"),
    ("a.@b.example", "has a dot before the '@'"), ("a..b@c.example", "has two dots in a row"),
    ("a@b.example.", "ends with a dot"), ("a@[1.2.3.4]", "has an IP address where"),
    ("a@1.2.3.4", "has an IP address where"), ("<a@b.example>", "holds an angle bracket"),
    ("a@b.example,c@d.example", "has two '@'"), ("a@" + "x" * 64 + ".example", "more than 63"),
    ("x" * 65 + "@b.example", "more than 64 bytes before the '@'"),
    ("a@" + "x." * 130 + "example", "has a domain that is too long"),
    ("a,b@c.example", "cannot stand before the '@'"), ("a(b)@c.example", "cannot stand before"),
    ("a@b_c.example", "cannot stand in a domain"), ("a@xn--0.example", "no registry could hold"),
    ("a\u202e@b.example", "cannot stand before the '@'"), ("a\x01@b.example", "control character"),
    ("=cmd|' /C calc'!A0", "holds a space"), ("mailto:a@b.example", "cannot stand before"),
    ('"a@b.example\r\nBcc: x@y.example"', "holds a line break")]] + [
    ("name", "x" * 201, "the name is longer than 200 bytes"),
    ("name", "a\x07b", "the name holds a line break or a control character"),
    ("name", "a\u0085b", "the name holds a line break or a control character"),
    ("name", '"a\r\nBcc: x@y.example"', "the name holds a line break or a control character"),
    ("language", "xx", "no language 'xx'"), ("language", "et xx", "no language 'xx'"),
    ("region", "Nowhere", "no region 'Nowhere'"), ("kind", "alien", "no kind 'alien'"),
    ("sector", "musik", "no sector 'musik'; did you mean 'music'?"),
    ("joined", "yesterday", "'yesterday' is not a date"),
    ("joined", "2027-02-30", "2027-02-30 is not a date: February 2027 has 28 days"),
    ("timezone", "Mars/Base", "no time zone 'Mars/Base'"),
    ("organisation", "o" * 201, "longer than 200 bytes"),
    ("consent_at", "never", "'never' is not a date"),
]
TABLES = [  # (name, bytes, "line:column", piece)
    ("empty", b"", "1:1", "the file is empty"),
    ("no header", b"a@b.example;Mari\n", "1:1", "no column holds addresses"),
    ("address twice", b"email;email\na@b.example;c@d.example\n", "1:7",
     "columns 'email' and 'email' mean the same"),
    ("name in two languages", b"email;name;Nimi\na@b.example;a;b\n", "1:12",
     "columns 'name' and 'Nimi' mean the same"),
    ("short row", b"email;name\na@b.example\n", "2:1", "the first row 2"),
    ("long row", b"email;name\na@b.example;a;b;c\n", "2:1", "the row has 4 fields"),
    ("quote in a field", b'email;name\na@b.example;a"b"c\n', "2:14", "a quote stands inside"),
    ("text behind a quote", b'email;name\na@b.example;"a"b\n', "2:16", "text stands behind"),
    ("open quote", b'email;name\na@b.example;"a\n', "2:13", "the quote that opens here"),
    ("Latin-1", b"email;name\na@b.example;M\xe4ri\n", "2:14", "this is not UTF-8"),
    ("overlong slash", b"email;name\na@b.example;\xc0\xaf\n", "2:13", "this is not UTF-8"),
    ("surrogate", b"email;name\na@b.example;\xed\xa0\x80\n", "2:13", "this is not UTF-8"),
    ("NUL", b"email;name\na@b.example;M\0i\n", "2:14", "a NUL byte has no place"),
    ("NUL in the header", b"email;na\0me\n", "1:9", "a NUL byte has no place"),
    ("field of 70 KB", b"email;name\na@b.example;" + b"x" * 70000 + b"\n", "2:13",
     "the field is longer than 65536 bytes"),
    ("301 columns", b"email" + b";a" * 300 + b"\n", "1:405", "the row has more than 200 fields"),
    ("spreadsheet", b"PK\x03\x04\x14\x00\x06\x00", "1:1", "a spreadsheet's own format"),
    ("page", b"<html><body>email</body></html>", "1:1", "no column holds addresses"),
    ("member twice", b"email;name\na@b.example;A\nA@B.example;B\n", "3:1",
     "the row is about the same member as line 2"),
]

# ---- the site's own templates and texts ----

TEMPLATES = [
    ("{{", "1", "a tag is not closed by '}}'"), ("\n{{name", "2", "a tag is not closed by '}}'"),
    ("{{{a}}", "1", "a tag is not closed by '}}}'"), ("{{!", "1", "a tag is not closed by '}}'"),
    ("{{#a}}", "1", "section 'a' is not closed"), ("{{^a}}", "1", "section 'a' is not closed"),
    ("{{/a}}", "1", "'a' is closed but was not opened"),
    ("{{#a}}\n{{/b}}", "2", "'b' is closed while section 'a' of line 1 is open"),
    ("{{> nonesuch}}", "1", "no template 'mail/nonesuch.txt'"),
    ("{{> ../../etc/passwd}}", "1", "'../../etc/passwd' is not a template's name"),
    ("{{> footer}}", "1", "partial 'footer' contains itself without end"),
    ("{{=a}}", "1", "a tag is not closed by '=}}'"),
    ("{{= =}}", "1", "delimiters are set with two words"), ("{{ }}", "1", "a tag has no name"),
    ("{{a b}}", "1", "a tag has a name with white space in it"), ("{{>}}", "1", "has no name"),
    ("{{#a}}" * 40 + "{{/a}}" * 40, "1", "sections nest deeper than 32"),
    (b"a\n\xff", "2:1", "byte 0xFF is not UTF-8"), (b"\0", "1:1", "a NUL byte does not belong"),
    ("x" * 70000, "1:65537", "the line is longer than 65536 bytes"),
]
LOCALES = [
    ("x", "1:1", "the file has no groups of texts"), ("- a", "1:1", "no groups of texts"),
    ("a: b", "1:4", "'a' is not a group of texts"),
    ("footer: [a]", "1:9", "'footer' is not a group of texts"),
    ("footer: { nonesuch: x }", "1:21", "there is no text 'footer.nonesuch'"),
    (b"\xff", "1:1", "broken UTF-8"), ("footer: &a {}", "1:9", "anchors are not allowed"),
    ('event: { seats: "{count, plural, one {#} }" }', "1:17", "the plural form 'other' is missing"),
    ("event: { seats: 5 }", "1:17", "text 'event.seats' lacks {count}"),
    ("a: " * 30000, "1:1", "the line is longer than 65536 bytes"),
]

# ---- the command line: (arguments, status, piece of the message); SITE is the site ----

MARI = "mari@naide.example"
COMMANDS = [
    (["nonesuch"], 2, "no verb 'nonesuch'"), (["--nonesuch"], 2, "no option '--nonesuch'"),
    (["-x"], 2, "no option '-x'"), (["--json", "--json"], 2, "option 'json' was given twice"),
    (["--now", "tomorrow", "check"], 2, "--now: 'tomorrow' is not a date"),
    (["--now", "2027-02-30T00:00:00", "check"], 2, "February 2027 has 28 days"),
    (["--now"], 2, "option 'now' needs a value (TIME)"),
    (["check", "x"], 2, "unexpected argument 'x'"),
    (["check", "--quiet=1"], 2, "option 'quiet' takes no value"),
    (["check", "--nope"], 2, "no option '--nope'"),
    (["member", "nope"], 2, "no verb 'member nope'"),
    (["member", "add"], 2, "member add needs ADDRESS"),
    (["member", "add", ""], 3, "address '' is empty"),
    (["member", "add", b"\xff"], 3, "is not UTF-8"),
    (["member", "add", "a@b.example", "b"], 3, "'b' is not FIELD=VALUE"),
    (["member", "add", "a@b.example", "nmae=x"], 3, "no field 'nmae'; did you mean 'name'?"),
    (["member", "add", "a@b.example", "=x"], 3, "no field ''"),
    (["member", "add", "a@b.example", "name=a\nb"], 3, "the name holds a line break"),
    (["member", "add", "a@b.example", "name=\x1b[2J"], 3, "the name holds a line break or a con"),
    (["member", "add", "a@b.example", b"name=\xff"], 3, "the name holds a line break or a cont"),
    (["member", "add", "a@b.example", "name=" + "x" * 201], 3, "longer than 200 bytes"),
    (["member", "add", "a@b.example", "language=xx"], 3, "no language 'xx'"),
    (["member", "add", "a@b.example", "region=Nowhere"], 3, "no region 'Nowhere'"),
    (["member", "add", "a@b.example", "joined=x"], 3, "'x' is not a date"),
    (["member", "add", "a@b.example", "attr.none=1"], 3, "no attribute 'none'"),
    (["member", "add", "a@b.example", "--list", "nope"], 1, "no list 'nope'"),
    (["member", "add", "a@b.example", "--list", "funding", "--basis", "x"], 3, "--basis is cons"),
    (["member", "add", "a@b.example", "--list", "funding", "--basis", "consent", "--consent-at",
      "x", "--source", "s"], 3, "--consent-at: 'x' is not a date"),
    (["member", "add", MARI], 1, f"the address '{MARI}' is member 1's already"),
    (["member", "show", "nobody@naide.example"], 1, "no member 'nobody@naide.example'"),
    (["member", "show", "0"], 1, "no member '0'"), (["member", "show", ""], 1, "no member ''"),
    (["member", "show", "9" * 20], 1, f"no member '{'9' * 20}'"),
    (["member", "show", "id:"], 1, "no member 'id:'"),
    (["member", "set", MARI], 2, "member set needs MEMBER FIELD=VALUE"),
    (["member", "set", MARI, "x"], 3, "'x' is not FIELD=VALUE"),
    (["member", "change-address", MARI, "nope"], 3, "address 'nope' has no '@'"),
    (["member", "subscribe", MARI], 2, "member subscribe needs --list"),
    (["member", "subscribe", MARI, "--list", "x"], 1, "no list 'x'"),
    (["member", "leave", MARI, "--list", "nope"], 1, "no list 'nope'"),
    (["member", "erase", "nobody@x.example"], 1, "no member 'nobody@x.example'"),
    (["member", "export", "--separator", "ab"], 2, "--separator is one of"),
    (["member", "export", "--separator", ""], 2, "--separator is one of"),
    (["member", "export", "--separator", "\n"], 2, "--separator is one of"),
    (["member", "export", "--separator", '"'], 2, "--separator is one of"),
    (["member", "export", "--separator", "1"], 2, "--separator is one of"),
    (["member", "export", "-o", "/nonexistent/x.csv"], 1, "cannot make '/nonexistent/x.csv': No"),
    (["member", "export", "-o", ""], 1, "cannot make ''"),
    (["member", "export", "--list", "nope"], 1, "no list 'nope'"),
    (["member", "import", "/nonexistent.csv"], 1, "cannot read '/nonexistent.csv': No such file"),
    (["member", "import", "/dev/zero"], 1, "cannot read '/dev/zero': it is not a regular file"),
    (["member", "import", "SITE"], 1, "it is a folder"),
    (["member", "import", "SITE/fifo"], 1, "it is not a regular file"),
    (["member", "import", "SITE/loop"], 1, "Too many levels of symbolic links"),
    (["member", "import", "SITE/teataja.yaml", "--charset", "x"], 3, "charset 'x' is not known"),
    (["member", "import", "SITE/teataja.yaml", "--map", "x"], 2, "--map takes HEADER=FIELD"),
    (["member", "import", "SITE/teataja.yaml", "--list", "funding"], 2, "--list needs --source"),
    (["segment", "count"], 2, "segment count needs EXPRESSION"),
    (["segment", "count", "a", "b"], 2, "unexpected argument 'b'"),
    (["segment", "count", "secter = x"], 3, "column 1: no field 'secter'"),
    (["segment", "count", b"name = \xff"], 3, "column 8: this is not UTF-8"),
    (["segment", "count", "name = \x01"], 3, "column 8: a control character means nothing here"),
    (["segment", "count", "received(nope)"], 3, "column 10: no issue 'nope'"),
    (["segment", "count", "x" * 9000], 1, "the segment is longer than 8192 bytes"),
    (["preview"], 2, "preview needs ISSUE|NEWSLETTER|events/EVENT"),
    (["preview", "nope"], 1, "no issue 'nope' in issues/"),
    (["preview", "../../etc/passwd"], 1, "no issue 'passwd' in issues/"),
    (["preview", ""], 1, "no issue '' in issues/"),
    (["preview", "kiri", "--lang", "xx"], 2, "no language 'xx'"),
    (["preview", "kiri", "--member", "nobody@x.example"], 1, "no member 'nobody@x.example'"),
    (["preview", "kiri", "-o", "/dev/null/x"], 1, "cannot make the folder '/dev/null'"),
    (["preview", "events/nope"], 1, "no event 'nope'"),
    (["send"], 2, "send needs ISSUE"), (["send", "kiri"], 1, "teataja.yaml names no relay"),
    (["send", "kiri", "--lang", "et"], 2, "--lang goes with --test"),
    (["send", "kiri", "--connections", "0"], 2, "a whole number from 1 to 64, not '0'"),
    (["send", "kiri", "--connections", "65"], 2, "a whole number from 1 to 64, not '65'"),
    (["send", "kiri", "--connections", "9" * 20], 2, "a whole number from 1 to 64"),
    (["mailing", "show"], 2, "mailing show needs ID"),
    (["mailing", "show", "1"], 1, "no mailing 1"),
    (["mailing", "show", "x"], 2, "'x' is no number of a mailing"),
    (["mailing", "show", "1x"], 2, "'1x' is no number of a mailing"),
    (["mailing", "show", "9" * 20], 2, f"'{'9' * 20}' is no number of a mailing"),
    (["mailing", "show", "1", "--state", "nope"], 2, "no state 'nope' of a row"),
    (["mailing", "resume", "7"], 1, "no mailing 7"),
    (["mailing", "resend", "1"], 2, "resend needs --unknown or --failed"),
    (["event", "show", "nope"], 1, "no event 'nope'"),
    (["event", "attendees", "nope"], 1, "no event 'nope'"),
    (["event", "answer", "f", MARI, "perhaps"], 2, "'perhaps' is not an answer"),
    (["event", "answer", "f", MARI, "yes"], 1, "is not invited to 'f'"),
    (["event", "answer", "f", MARI, "yes", "--guests", "-1"], 2, "not '-1'"),
    (["event", "answer", "f", MARI, "yes", "--occurrence", "x"], 1, "has no occurrences"),
    (["sink", "--listen", "127.0.0.1:99999", "--maildir", "SITE/m"], 3, "is not ADDRESS:PORT"),
    (["sink", "--listen", "[::1", "--maildir", "SITE/m"], 3, "'[::1' is not ADDRESS:PORT"),
    (["sink", "--listen", "0.0.0.0:0", "--maildir", "SITE/m"], 3, "can be reached by other mach"),
    (["sink", "--listen", "127.0.0.1:0", "--maildir", "/dev/null/x"], 1, "cannot make the folder"),
    (["config", "sample", "nope"], 1, "no configuration file 'nope'"),
    (["init", "SITE"], 1, "is not empty: nothing was written"),
    (["init", ""], 1, "cannot make the folder ''"),
]


def quoted(text):
    """As a YAML value: a JSON string, but for what YAML takes for the end of a line."""
    return re.sub("[\x7f-\x9f\u2028\u2029]", lambda found: f"\\u{ord(found.group()):04x}",
                  json.dumps(text, ensure_ascii=False))
