"""The corpus files and their weights: what the tokenizer is learned from and the model is trained on."""

# Passes over each file per epoch. Stories are what the model is for and there are few of them; the general classics
# (36 MB of grown-up novels) would drown them at 1.
MIX = {
    "tinystories_v1_part1": 2.0,
    "tinystories_v1_part2_truecased": 1.5,
    "tinystories_v2_part1": 2.0,
    "fairytaleqa_train_val": 3.0,
    "storyweaver_pratham_en": 2.0,
    "african_storybook_en": 1.5,
    "childrens_classics": 1.0,
    "common_corpus_tales": 1.5,
    "tinyshakespeare": 1.0,
    "general_classics": 0.3,
    "us_presidential_speeches": 0.1,
}

# What else was tried (compare_choices.py).
MIXES = {
    "shipped": MIX,
    "even": {name: 1.0 for name in MIX},
    "simple stories": {name: weight for name, weight in MIX.items() if "stories" in name or "story" in name or "tale" in name},
    "old books": {name: 1.0 if "tinystories" not in name else 0.5 for name in MIX},
}
