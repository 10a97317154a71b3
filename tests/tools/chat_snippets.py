"""Small templates, one thing each: for make_chat_templates.py. Rendered with the chat CHATS[2]."""

EXPRESSIONS = """
1 + 2 * 3 - 4
7 // 2, 7 % 3, -7 // 2, -7 % 3, 7 / 2, 2 ** 3
1.5 + 1, 0.1 + 0.2, 1e3 if false else 1000.0, 1.0, 100.25, 12345678901234567.0
'a' + 'b' ~ 1 ~ none ~ true
1 ~ 2 + 3 if false else 'x'
'ab' * 3
not true or true and false
none, true, false, undefined_name
[1, 'a', none, true, 1.5, [2], {'k': 'v'}]
{'a': 1, "b": [1, 2], 'c': {'d': "it's"}}
('x', 1)
()
'it\\'s "quoted"\\n\\t\\\\'
"a\\x41\\u00e9"
'a' 'b'
'a' if messages else 'b'
'a' if false
'b' in 'abc', 'z' in 'abc', 2 in [1, 2], 'role' in messages[0], 3 not in [1, 2]
1 == 1.0, 1 == true, 'a' == 'a', none == none, [1] == [1], {'a': 1} == {'a': 1}, 1 == '1'
1 < 2, 'a' < 'b', 2 >= 2, 1 != 2, [1, 2] < [1, 3]
messages[0].role, messages[0]['role'], messages[-1]['content']
messages[0].nothing is defined, messages[9] is defined
messages[1:] | length, messages[:-1] | length, messages[::-1][0].content, messages[::2] | length, messages[5:] | length
'abcdef'[1:3], 'abcdef'[-2:], 'abcdef'[::-1], 'abcdef'[4:1:-1], 'abcdef'[:], 'äöü'[1], 'äöü'[-1:]
'abcdef'[10:], 'abc'[-10:2], 'abc'[2:-10:-1], 'abc'[::5]
'  x '.strip() ~ '|' ~ '  x '.lstrip() ~ '|' ~ '  x '.rstrip() ~ '|'
'xxaxx'.strip('x'), '<think>a'.lstrip('<think>'), '\\n\\na\\n'.strip('\\n')
'a,b,c'.split(','), 'a b  c'.split(), 'a,b,c'.split(',', 1), 'a,b,c'.rsplit(',', 1), ''.split(','), ''.split()
'  a  b c '.split(none, 1), ' a b  c '.rsplit(None, 1)
'a</think>b</think>c'.split('</think>')[-1], 'x'.split('</think>')[0]
'Hello'.startswith('He'), 'Hello'.endswith('lo'), 'Hello'.startswith(('x', 'H')), 'x'.endswith('y')
'abcabc'.replace('b', 'X'), 'abcabc'.replace('b', '', 1)
'hello world'.title(), 'hello'.upper(), 'HeLLo'.lower(), 'hELLO wORLD'.capitalize()
'abcabc'.find('c'), 'abc'.find('z'), 'abcabc'.rfind('c'), 'äb'.find('b'), 'aXbX'.count('X')
'a\\nb\\r\\nc'.splitlines(), ', '.join(['a', 'b'])
'abc'.removeprefix('a'), 'abc'.removesuffix('c'), '12'.isdigit(), ' '.isspace(), ''.isspace()
{'a': 1, 'b': 2}.items() | list, {'a': 1}.keys() | list, {'a': 1}.values() | list, {'a': 1}.get('a'), {'a': 1}.get('z'), {'a': 1}.get('z', 5)
'  x\\n'|trim ~ '|', 'xax'|trim('x')
'abc'|length, [1, 2]|count, {'a': 1}|length, ''|length, 'äö'|length
'abc'|upper, 'ABC'|lower, 'abc def'|title, 'ABC'|capitalize
nothing|default('d'), ''|default('d'), ''|default('d', true), none|default('d'), none|d('e', boolean=true)
[1, 2, 3]|join(', '), ['a', 'b']|join, messages|join('/', attribute='role')
messages|map(attribute='role')|join(','), ['a', 'b']|map('upper')|list, [1, 2]|map('string')|join('')
messages|selectattr('role', 'equalto', 'user')|list|length, messages|rejectattr('role', '==', 'user')|map(attribute='content')|list
[0, 1, 2]|select|list, [1, 2, 3]|select('odd')|list, [1, 2, 3]|reject('odd')|list, [1, none]|select('none')|list
[3, 1, 2]|sort, ['b', 'A', 'c']|sort, [3, 1]|sort(reverse=true), messages|sort(attribute='role')|map(attribute='role')|list
[1, 2]|first, [1, 2]|last, 'abc'|first, []|first is defined, [1, 2]|reverse|list, 'abc'|reverse
[1, 1, 2]|unique|list, 'abc'|list
'3'|int + 1, 'x'|int, 'x'|int(default=7), 3.9|int, '1.5'|float, true|int, -3|abs
'a-b'|replace('-', '+'), 12|string + 'x'
'x'|safe
'a\\nb\\n\\nc'|indent(2), 'a\\nb'|indent(2, true), 'a\\nb'|indent
{'b': 1, 'A': 2}|dictsort, {'a': 1}|items|list
{'a': [1, 2.5, none, true, 'ä"\\n']}|tojson
{'a': [1, {'b': []}], 'c': {}}|tojson(indent=2)
[]|tojson, {}|tojson, 'x<y>&\\'z'|tojson, none|tojson
'<a href="x">&\\'</a>'|e
1 is number, 1 is integer, 1.5 is float, true is boolean, true is integer, 'a' is string, none is none, 1 is string
[] is iterable, 'a' is iterable, 1 is iterable, {} is mapping, [] is mapping, [] is sequence, {} is sequence, 'a' is sequence
3 is odd, 3 is even, 6 is divisibleby 3, 6 is divisibleby(4), 1 is eq 1, 1 is ne 2, 2 is gt 1, 2 is in [1, 2]
true is true, 1 is true, false is false, 'abc' is lower, 'Abc' is upper, raise_exception is callable
x is defined, x is not defined, not x is defined, messages is defined and messages is not none
1 if x is defined else 2, (x is defined) or 3
range(3)|list, range(1, 4)|list, range(5, 0, -2)|list
messages|length > 2 and messages[0].role == 'user'
-messages|length
- 2 + 3, +1, 2 - -1
1 if 0 else 2 if 0 else 3
strftime_now('%d %b %Y'), strftime_now('%Y-%m-%d')
(1, 2) == [1, 2]
dict(a=1, b='x')
'%s' ~ '%'
bos_token ~ eos_token, add_generation_prompt, tools, documents is none
messages[0].content|trim|length, (messages[0].content|trim + '!')|upper
{'a': {'b': 1}}.a.b, {'a': {'b': 1}}['a']['b'], [[1, 2], [3]][0][1]
'\u00a0x\u2003'|trim ~ '|', '\u00a0 x'.strip()
['a'] + ['b'], [] + []
""".strip().split("\n")

STATEMENTS = [
    "a\n{% if true %}\nb\n{% endif %}\nc\n",
    "a\n  {% if true %}  \nb\n  {% endif %}\nc",
    "a  {%- if true -%}  b  {%- endif -%}  c",
    "a\n{%- if true %}\n b\n{%- endif %}\n c",
    "a {% if true %} b {% endif %} c\n\n",
    "  {%+ if true %}\nb{% endif +%}\nc",
    "{% if true -%}\n\n b {%- endif %}",
    "a {# comment #}\nb\n  {# another #}\nc {#- third -#} d",
    "{{- 'a' -}}  b  {{ 'c' }}\n{{ 'd' }}\n",
    "  {{ 'a' }}\n\n  {{ 'b' }}\r\nx\r\n",
    "x\n\t {% set a = 1 %}\n{{ a }}",
    "{% for i in [1, 2, 3] %}{{ i }}{% if not loop.last %}, {% endif %}{% endfor %}",
    "{% for i in [] %}x{% else %}empty{% endfor %}|{% for i in [1] %}x{% else %}empty{% endfor %}",
    "{% for i in range(5) if i is odd %}{{ loop.index }}:{{ i }} {{ loop.length }}{{ loop.first }}{{ loop.last }}{% endfor %}",
    "{% for i in 'abc' %}{{ loop.index0 }}{{ loop.revindex }}{{ loop.revindex0 }}{{ loop.previtem }}{{ loop.nextitem }};{% endfor %}",
    "{% for k, v in {'a': 1, 'b': 2}.items() %}{{ k }}={{ v }};{% endfor %}{% for k in {'x': 1} %}{{ k }}{% endfor %}",
    "{% for (a, b) in [(1, 2), [3, 4]] %}{{ a }}{{ b }}{% endfor %}",
    "{% for i in [1, 2, 3, 4] %}{% if i == 2 %}{% continue %}{% endif %}{% if i == 4 %}{% break %}{% endif %}{{ i }}{% endfor %}",
    "{% for i in [1, 2] %}{{ loop.cycle('odd', 'even') }}{% endfor %}",
    "{% for i in [1, 2] %}{% for j in [1, 2] %}{{ i }}{{ j }}{{ loop.last }}{% endfor %}{{ loop.last }}{% endfor %}",
    "{% set x = 1 %}{% for i in [1, 2] %}{% set x = x + i %}{{ x }}{% endfor %}{{ x }}",
    "{% set x = 1 %}{% if true %}{% set x = 2 %}{% endif %}{{ x }}",
    "{% set ns = namespace(n=0, found=false) %}{% for i in [1, 2] %}{% set ns.n = ns.n + i %}{% set ns.found = true %}{% endfor %}{{ ns.n }}{{ ns.found }}",
    "{% set ns = namespace() %}{% set ns.a = [1] %}{% set ns.a = ns.a + [2] %}{{ ns.a }}{{ ns.b is defined }}",
    "{% set a, b = 1, 2 %}{{ a }}{{ b }}",
    "{% set x %}a{{ 1 + 1 }}b{% endset %}[{{ x }}]",
    "{% if 0 %}a{% elif '' %}b{% elif [] %}c{% elif none %}d{% elif nothing %}e{% elif 1 %}f{% else %}g{% endif %}",
    "{% if {} %}a{% else %}b{% endif %}{% if 0.0 %}a{% else %}b{% endif %}",
    "{% macro m(a, b='d') %}[{{ a }}{{ b }}]{% endmacro %}{{ m(1) }}{{ m(1, 2) }}{{ m(b=3, a=4) }}{{ m() }}",
    "{% macro outer(n) %}{{ n }}{% if n > 0 %}{{ outer(n - 1) }}{% endif %}{% endmacro %}{{ outer(3) }}",
    "{% set g = 'G' %}{% macro m() %}{{ g }}{% endmacro %}{% for g in ['L'] %}{{ m() }}{% endfor %}",
    "{% generation %}a{% endgeneration %}b",
    "{{ {'a': {'b': 1}} }}{{ {'x': {}}['x'] }}",
    "{{ '}}' }}{{ '{%' }}{{ \"#}\" }}",
    "{ a } {x} % } {",
    "",
    "\n",
    "a\n\n",
    "{% for m in messages %}{{ m.role }}{% if loop.previtem is defined and loop.previtem.role == m.role %}!{% endif %}{% endfor %}",
    "{% for m in messages[::-1] %}{% set i = (messages|length - 1) - loop.index0 %}{{ i }}{{ m.role }}{% endfor %}",
    "{% set ns = namespace(last=-1) %}{% for m in messages %}{% if m.role == 'user' %}{% set ns.last = loop.index0 %}{% endif %}{% endfor %}{{ ns.last }}",
    "{%- set c = messages[1].content %}{% if '\"' in c %}{{ c.split('\"')[1] }}{% endif %}",
    "{% set loop_messages = messages[1:] if messages[0].role == 'system' else messages %}{{ loop_messages|length }}",
]

FAILURES = [
    "{{ 1 / 0 }}", "{{ 1 + 'a' }}", "{{ nothing.x }}", "{{ nothing['x'] }}", "{{ nothing() }}", "{{ 'a' < 1 }}",
    "{{ messages | unknown_filter }}", "{{ 1 is unknown_test }}", "{% unknown %}", "{% if true %}", "{% endif %}", "{{ 1",
    "{{ 'a }}", "{% for i in 5 %}{% endfor %}", "{{ raise_exception('no') }}", "{# open", "{{ }}", "{% set = 1 %}",
    "{{ (1 }}", "{{ [1, 2 }}", "{% for in x %}{% endfor %}", "{{ nothing + 1 }}", "{{ none + 'a' }}", "{{ 1 in 5 }}",
    "{{ range(1000000) }}", "{{ nothing | tojson }}", "{% set x.y = 1 %}", "{{ 'a'.unknown_method() }}", "{{ [1].append(2) }}",
    "{% for a, b in [1] %}{% endfor %}", "{% set a, b = [1, 2, 3] %}", "{{ 1 1 }}", "{% if %}{% endif %}", "{{ a..b }}",
    "{% else %}", "{{ $ }}", "{{ messages[0:1:0] }}", "{% include 'x' %}", "{{ nothing > 1 }}", "{{ [] | sort(1, 2, 3, 4, 5) }}",
]
FAILURES.pop()  # too many arguments are not counted here

SNIPPETS = ["{{ " + e + " }}" for e in EXPRESSIONS] + STATEMENTS + FAILURES
