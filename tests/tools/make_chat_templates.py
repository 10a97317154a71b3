#!/usr/bin/env python3
"""Writes tests/fixtures/chat_templates.json: what transformers makes of chat templates, and Jinja of what they consist of.

    python3 -m venv VENV && VENV/bin/pip install transformers jinja2
    VENV/bin/pip download trl==1.16.0 --no-deps -d WHEELS
    VENV/bin/python tests/tools/make_chat_templates.py WHEELS/trl-1.16.0-py3-none-any.whl [OUT.json --all]

Templates of models come from the package trl (Apache-2.0), which ships them as files; those named in OWN are written for
this project in the manner of models that trl has none of. transformers (Apache-2.0) and Jinja (BSD-3-Clause) render them.
None of these is a dependency of logitpeek. --all takes every template of trl: a check to be run by hand.
"""
import json
import sys
import zipfile
from datetime import datetime
from importlib.metadata import version
from pathlib import Path

from transformers.utils.chat_template_utils import _compile_jinja_template as compile_template

from chat_snippets import SNIPPETS

TAKEN = ["llama3", "llama3_1", "llama3_2", "gemma", "gemma3", "phi3", "phi3_5", "qwen2_5", "qwen3", "deepseekv3"]
NOW = datetime(2026, 11, 5, 9, 3, 7)

OWN = {
    # What ChatML was before models had variants of it; SmolLM2 and Qwen2 add a system message of their own.
    "chatml": "{% for m in messages %}{{ '<|im_start|>' + m['role'] + '\n' + m['content'] + '<|im_end|>' + '\n' }}{% endfor %}"
              "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}",
    "smollm2-like": "{% for m in messages %}{% if loop.first and messages[0]['role'] != 'system' %}"
                    "{{ '<|im_start|>system\nBe helpful.<|im_end|>\n' }}{% endif %}"
                    "{{'<|im_start|>' + m['role'] + '\n' + m['content'] + '<|im_end|>' + '\n'}}{% endfor %}"
                    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}",
    # Llama 2: the system message goes into the first user message; roles must take turns.
    "llama2-like": "{% if messages[0]['role'] == 'system' %}{% set turns = messages[1:] %}"
                   "{% set system = messages[0]['content'] %}{% else %}{% set turns = messages %}{% set system = false %}"
                   "{% endif %}{% for m in turns %}{% if (m['role'] == 'user') != (loop.index0 % 2 == 0) %}"
                   "{{ raise_exception('Roles must take turns: user, assistant, user') }}{% endif %}"
                   "{% if loop.index0 == 0 and system != false %}"
                   "{% set text = '<<SYS>>\n' + system + '\n<</SYS>>\n\n' + m['content'] %}"
                   "{% else %}{% set text = m['content'] %}{% endif %}{% if m['role'] == 'user' %}"
                   "{{ bos_token + '[INST] ' + text.strip() + ' [/INST]' }}{% elif m['role'] == 'assistant' %}"
                   "{{ ' '  + text.strip() + ' ' + eos_token }}{% endif %}{% endfor %}",
    # Mistral: a namespace counts the turns, and the last user message is found by a filter.
    "mistral-like": """{%- if messages[0]["role"] == "system" %}
    {%- set system_message = messages[0]["content"] %}
    {%- set loop_messages = messages[1:] %}
{%- else %}
    {%- set loop_messages = messages %}
{%- endif %}
{%- set user_messages = loop_messages | selectattr("role", "equalto", "user") | list %}
{%- set ns = namespace(index=0) %}
{%- for message in loop_messages %}
    {%- if not (message.role == "tool" or (message.tool_calls is defined and message.tool_calls is not none)) %}
        {%- if (message["role"] == "user") != (ns.index % 2 == 0) %}
            {{- raise_exception("roles must take turns") }}
        {%- endif %}
        {%- set ns.index = ns.index + 1 %}
    {%- endif %}
{%- endfor %}
{{- bos_token }}
{%- for message in loop_messages %}
    {%- if message["role"] == "user" %}
        {%- if loop.last and system_message is defined %}
            {{- "[INST] " + system_message + "\\n\\n" + message["content"] + "[/INST]" }}
        {%- else %}
            {{- "[INST] " + message["content"] + "[/INST]" }}
        {%- endif %}
    {%- elif message["role"] == "assistant" %}
        {{- " " + message["content"]|trim + eos_token }}
    {%- endif %}
{%- endfor %}
""",
    # Zephyr and TinyLlama: lines and blocks, whose newlines trim_blocks takes.
    "zephyr-like": """{% for message in messages %}
{% if message['role'] == 'user' %}
{{ '<|user|>\\n' + message['content'] + eos_token }}
{% elif message['role'] == 'system' %}
{{ '<|system|>\\n' + message['content'] + eos_token }}
{% elif message['role'] == 'assistant' %}
{{ '<|assistant|>\\n'  + message['content'] + eos_token }}
{% endif %}
{% if loop.last and add_generation_prompt %}
{{ '<|assistant|>' }}
{% endif %}
{% endfor %}
""",
}

U, A, S = (lambda t: {"role": "user", "content": t}), (lambda t: {"role": "assistant", "content": t}), (
    lambda t: {"role": "system", "content": t})
CHATS = [
    [U("Hello")],
    [S("You are brief."), U("What is 2 + 2?")],
    [U("  Hi\n"), A("Hello! \"Quoted\" & <tagged>"), U("Grüße, 世界 🙂\u00a0")],
    [S(""), U("a"), A("<think>\nhm\n</think>\n\nb"), U("c"), A("d"), U("e")],
    [U("first"), U("second")],
    [A("I begin")],
    [U("")],
]


def render(template: str, **context):
    """What the template prints, or None where it fails."""
    try:
        compiled = compile_template(template)
        return compiled.render(**{"strftime_now": NOW.strftime, **context})
    except Exception as error:  # noqa: BLE001: whatever it is, ours has to fail as well
        return None


def main() -> None:
    wheel = zipfile.ZipFile(sys.argv[1])
    out_path = Path(sys.argv[2] if len(sys.argv) > 2 else
                    Path(__file__).parent.parent / "fixtures" / "chat_templates.json")
    names = [Path(n).stem for n in wheel.namelist() if n.startswith("trl/chat_templates/") and n.endswith(".jinja")]
    templates = dict(OWN)
    for name in names if "--all" in sys.argv else TAKEN:
        templates[name] = wheel.read(f"trl/chat_templates/{name}.jinja").decode()
    out = {"source": f"transformers {version('transformers')}, Jinja {version('jinja2')}, templates of trl 1.16.0 "
                     "(Apache-2.0) and of our own; by tests/tools/make_chat_templates.py",
           "now": [NOW.year, NOW.month, NOW.day, NOW.hour, NOW.minute, NOW.second], "chats": CHATS, "templates": {},
           "snippets": [[s, render(s, **{"messages": CHATS[2], "bos_token": "<s>", "eos_token": "</s>",
                                         "add_generation_prompt": True, "tools": None, "documents": None})]
                        for s in SNIPPETS]}
    for name, source in templates.items():
        prints = [[render(source, messages=chat, add_generation_prompt=add, bos_token="<s>", eos_token="</s>",
                          tools=None, documents=None) for add in (True, False)] for chat in CHATS]
        out["templates"][name] = {"source": source, "prints": prints}
        print(name, sum(p is None for pair in prints for p in pair), "fail", file=sys.stderr)
    out_path.write_text(json.dumps(out, indent=1, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
