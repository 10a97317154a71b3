// The table of pre-tokeniser rules. Each pattern is the one in the tokenizer.json of the model it is named after, in
// the form that llama.cpp gives it (contractions spelled out instead of (?i:)); the names are those its converter
// writes.
#include <algorithm>
#include <iterator>

#include "tokenizer/pretokenizer.h"

namespace lp {
namespace {

using Names = std::string_view[];

// GPT-2: contractions, then letters, numbers or other signs with the space before them, then white space.
constexpr std::string_view kGpt2 = R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)";

// Llama 3 and Qwen 2 differ in how many digits stay together.
#define LP_LLAMA3_WITH_DIGITS(digits)                                                             \
  R"((?:'[sS]|'[tT]|'[rR][eE]|'[vV][eE]|'[mM]|'[lL][lL]|'[dD])|[^\r\n\p{L}\p{N}]?\p{L}+|)" digits \
  R"(| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)"
constexpr std::string_view kLlama3 = LP_LLAMA3_WITH_DIGITS(R"(\p{N}{1,3})");
constexpr std::string_view kQwen2 = LP_LLAMA3_WITH_DIGITS(R"(\p{N})");
#undef LP_LLAMA3_WITH_DIGITS

// Mistral's Tekken and GPT-4o cut where capitals begin: letters that are not small, then letters that are not capital.
#define LP_CASED(not_small, not_capital, rest) \
  R"([^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}])" not_small R"([\p{Ll}\p{Lm}\p{Lo}\p{M}])" not_capital rest "|"
#define LP_CONTRACTION R"((?:'[sS]|'[tT]|'[rR][eE]|'[vV][eE]|'[mM]|'[lL][lL]|'[dD])?)"
#define LP_SIGNS_WITH_SLASH R"(| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+)"
constexpr std::string_view kTekken = LP_CASED("*", "+", "") LP_CASED("+", "*", "") R"(\p{N})" LP_SIGNS_WITH_SLASH;
constexpr std::string_view kGpt4o =
    LP_CASED("*", "+", LP_CONTRACTION) LP_CASED("+", "*", LP_CONTRACTION) R"(\p{N}{1,3})" LP_SIGNS_WITH_SLASH;
#undef LP_CASED
#undef LP_CONTRACTION
#undef LP_SIGNS_WITH_SLASH
// As Qwen 2's, but newlines are no part of signs.
constexpr std::string_view kSeedCoder =
    R"((?:'[sS]|'[tT]|'[rR][eE]|'[vV][eE]|'[mM]|'[lL][lL]|'[dD])|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}|)"
    R"( ?[^\s\p{L}\p{N}\r\n]+|\s*[\r\n]+|\s+(?!\S)|\s+)";

// DeepSeek's own list of cased letters: not \p{L&} of any Unicode version.
constexpr std::string_view kDeepSeekWord =
    R"(\s?[A-Za-z\x{B5}\x{C0}-\x{D6}\x{D8}-\x{F6}\x{F8}-\x{1BA}\x{1BC}-\x{1BF}\x{1C4}-\x{293}\x{295}-\x{2AF})"
    R"(\x{370}-\x{373}\x{376}\x{377}\x{37B}-\x{37D}\x{37F}\x{386}\x{388}-\x{38A}\x{38C}\x{38E}-\x{3A1})"
    R"(\x{3A3}-\x{3F5}\x{3F7}-\x{481}\x{48A}-\x{52F}\x{531}-\x{556}\x{10A0}-\x{10C5}\x{13A0}-\x{13F5})"
    R"(\x{13F8}-\x{13FD}\x{1C90}-\x{1CBA}\x{1CBD}-\x{1CBF}\x{1D00}-\x{1D2B}\x{1D6B}-\x{1D77})"
    R"(\x{1D79}-\x{1D9A}\x{1E00}-\x{1F15}\x{1F18}-\x{1F1D}\x{1F20}-\x{1F45}\x{1F48}-\x{1F4D})"
    R"(\x{1F50}-\x{1F57}\x{1F59}\x{1F5B}\x{1F5D}\x{1F5F}-\x{1F7D}\x{1F80}-\x{1FB4}\x{1FB6}-\x{1FBC}\x{1FBE})"
    R"(\x{1FC2}-\x{1FC4}\x{1FC6}-\x{1FCC}\x{1FD0}-\x{1FD3}\x{1FD6}-\x{1FDB}\x{1FE0}-\x{1FEC}\x{1FF2}-\x{1FF4})"
    R"(\x{1FF6}-\x{1FFC}\x{2102}\x{2107}\x{210A}-\x{2113}\x{2115}\x{2119}-\x{211D}\x{2124}\x{2126}\x{2128})"
    R"(\x{212A}-\x{212D}\x{212F}-\x{2134}\x{2139}\x{213C}-\x{213F}\x{2145}-\x{2149}\x{214E}\x{2183}\x{2184})"
    R"(\x{2C00}-\x{2C7B}\x{2C7E}-\x{2CE4}\x{2CEB}-\x{2CEE}\x{2CF2}\x{2CF3}\x{A640}-\x{A66D})"
    R"(\x{A680}-\x{A69B}\x{A722}-\x{A76F}\x{A771}-\x{A787}\x{A78B}-\x{A78E}\x{AB70}-\x{ABBF})"
    R"(\x{FB00}-\x{FB06}\x{FB13}-\x{FB17}\x{FF21}-\x{FF3A}\x{FF41}-\x{FF5A}\x{10400}-\x{1044F})"
    R"(\x{104B0}-\x{104D3}\x{104D8}-\x{104FB}\x{10C80}-\x{10CB2}\x{10CC0}-\x{10CF2}\x{118A0}-\x{118DF})"
    R"(\x{1E900}-\x{1E943}]+)";
constexpr std::string_view kDeepSeekSigns =
    R"(\s?[!-/:-~\x{FF01}-\x{FF0F}\x{FF1A}-\x{FF5E}\x{2018}-\x{201F}\x{3000}-\x{3002}]+)";
constexpr std::string_view kDeepSeekCjk = R"([\x{4E00}-\x{9FA5}\x{800}-\x{4E00}\x{AC00}-\x{D7FF}]+)";
// Theirs is \s+$, which takes quadratic time on a long run of spaces that a CJK character follows; this matches the
// same.
constexpr std::string_view kSpacesAtEnd = R"((?<!\s)\s++$)";

constexpr std::string_view kDefaultSigns = R"([\p{P}$+<=>^~|]+)";
constexpr std::string_view kFalconSigns = R"([\p{P}$+<=>^~|`]+)";
// Viking's: anything but white space and what ends a sentence in its languages.
constexpr std::string_view kVikingWord =
    R"( ?[^(\s|.,!?\x{2026}\x{3002}\x{FF0C}\x{3001}\x{964}\x{6D4}\x{60C})]+)";
constexpr std::string_view kNumber = R"(\p{N}+)";
constexpr std::string_view kDigit = R"(\p{N})";
constexpr std::string_view kThreeDigits = R"([0-9][0-9][0-9])";

constexpr Names kDefaultNames = {"default"};
constexpr Names kGpt2Names = {"gpt-2",      "phi-2",      "jina-es",      "jina-de",     "jina-v1-en",
                              "jina-v2-es", "jina-v2-de", "jina-v2-code", "roberta-bpe", "gigachat",
                              "mpt",        "olmo",       "jais",         "a.x-4.0",     "mellum"};
constexpr Names kLlama3Names = {"llama-bpe", "llama3",  "llama-v3", "falcon3",
                                 "falcon-h1", "pixtral", "midm-2.0", "lfm2"};
constexpr Names kLlama3LikeNames = {"dbrx", "smaug-bpe", "chatglm-bpe"};
constexpr Names kQwen2Names = {"qwen2", "stablelm2", "megrez", "deepseek-r1-qwen", "kormo"};
constexpr Names kSingleDigitNames = {"smollm", "starcoder", "refact", "command-r", "codeshell", "exaone", "minerva-7b"};
constexpr Names kFalconNames = {"falcon"};
constexpr Names kDeepSeekNames = {"deepseek-llm"};
constexpr Names kDeepSeekCoderNames = {"deepseek-coder"};
constexpr Names kVikingNames = {"viking"};
constexpr Names kTekkenNames = {"tekken"};
constexpr Names kGpt4oNames = {"gpt-4o", "llama4", "kanana2", "talkie"};
constexpr Names kSeedCoderNames = {"seed-coder"};

constexpr std::string_view kDefaultPatterns[] = {kDefaultSigns, kGpt2, kNumber, kThreeDigits};
constexpr std::string_view kGpt2Patterns[] = {kGpt2};
constexpr std::string_view kLlama3Patterns[] = {kLlama3};
constexpr std::string_view kQwen2Patterns[] = {kQwen2};
constexpr std::string_view kSingleDigitPatterns[] = {kDigit, kGpt2};
constexpr std::string_view kFalconPatterns[] = {kFalconSigns, kGpt2, kThreeDigits};
constexpr std::string_view kDeepSeekPatterns[] = {"[\r\n]",     kDeepSeekWord, kDeepSeekSigns,
                                                  kSpacesAtEnd, kDeepSeekCjk,  kNumber};

constexpr std::string_view kDeepSeekCoderPatterns[] = {"[\r\n]", R"(\s?\p{L}+)", R"(\s?\p{P}+)", kDeepSeekCjk, kDigit};
constexpr std::string_view kVikingPatterns[] = {kVikingWord, kDigit};
constexpr std::string_view kTekkenPatterns[] = {kTekken};
constexpr std::string_view kGpt4oPatterns[] = {kGpt4o};
constexpr std::string_view kSeedCoderPatterns[] = {kSeedCoder};

constexpr PretokenizerRule kRules[] = {
    {kGpt2Names, kGpt2Patterns},
    {kLlama3Names, kLlama3Patterns, /*ignore_merges=*/true, /*adds_bos=*/true},
    {kLlama3LikeNames, kLlama3Patterns},
    {kQwen2Names, kQwen2Patterns},
    {kSingleDigitNames, kSingleDigitPatterns},
    {kFalconNames, kFalconPatterns},
    {kDeepSeekNames, kDeepSeekPatterns},
    {kDeepSeekCoderNames, kDeepSeekCoderPatterns},
    {kVikingNames, kVikingPatterns},
    {kTekkenNames, kTekkenPatterns, /*ignore_merges=*/true, /*adds_bos=*/true},
    {kGpt4oNames, kGpt4oPatterns},
    {kSeedCoderNames, kSeedCoderPatterns},
    {kDefaultNames, kDefaultPatterns},
};

}  // namespace

const PretokenizerRule* FindPretokenizerRule(std::string_view name) {
  const auto* it = std::find_if(std::begin(kRules), std::end(kRules), [name](const PretokenizerRule& rule) {
    return std::find(rule.names.begin(), rule.names.end(), name) != rule.names.end();
  });
  return it == std::end(kRules) ? nullptr : it;
}

std::string PretokenizerNames() {
  std::string out;
  for (const PretokenizerRule& rule : kRules) {
    for (const std::string_view name : rule.names) {
      if (!out.empty()) out += ", ";
      out += name;
    }
  }
  return out;
}

}  // namespace lp
