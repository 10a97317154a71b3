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
