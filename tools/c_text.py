"""c_text.py: reads C well enough for the checkers: its string literals, without its comments."""
import re

TOKEN = re.compile(r'//[^\n]*|/\*.*?\*/|\'(?:\\.|[^\'\\\n])*\'|"((?:\\.|[^"\\\n])*)"', re.S)


def strings(text):
    """[(line, value)]: neighbours in the source are one string, as for the compiler."""
    found = []
    end, line, counted = None, 1, 0
    for token in TOKEN.finditer(text):
        line += text.count("\n", counted, token.start())
        counted = token.start()
        if token[1] is None:
            if not token[0].startswith("/"):
                end = None
            elif end is not None and not text[end:token.start()].strip():
                end = token.end()  # a comment between two neighbours
            continue
        value = token[1].replace("\\n", "\n").replace("\\t", "\t").replace('\\"', '"')
        if end is not None and not text[end:token.start()].strip():
            found[-1] = (found[-1][0], found[-1][1] + value)
        else:
            found.append((line, value))
        end = token.end()
    return found
