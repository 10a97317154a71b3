#include "model/architecture.h"

#include "base/str_cat.h"

namespace lp {
namespace {

// From the papers and from Hugging Face transformers' modeling files, whose results tests/fixtures/architectures holds;
// names and defaults of keys as llama.cpp writes and reads them.
constexpr Architecture kArchitectures[] = {
    // Llama 1 to 3, SmolLM2, TinyLlama, Mistral. Biases: of relatives converted under this name.
    {.name = "llama",
     .rope = RopeKind::kNeighbours,
     .qkv_bias = Presence::kMaybe,
     .output_bias = Presence::kMaybe,
     .ffn_bias = Presence::kMaybe},
    {.name = "qwen2", .qkv_bias = Presence::kAlways},
    {.name = "qwen3", .qk_norm = true},
    {.name = "gemma", .activation = Activation::kGeluTanh, .scaled_embedding = true},
    {.name = "gemma2",
     .activation = Activation::kGeluTanh,
     .post_norms = true,
     .scaled_embedding = true,
     .window_period = 2,
     .window = 4096,
     .attention_soft_cap = 50,
     .final_soft_cap = 30,
     .layers_scaled_by_width = 46},  // the 27B: files do not say it
    {.name = "gemma3",
     .activation = Activation::kGeluTanh,
     .post_norms = true,
     .qk_norm = true,
     .scaled_embedding = true,
     .window_period = 6,
     .window_rope_base = 10000,
     .layers_scaled_by_width = 62},  // the 27B
    {.name = "phi3", .fused_qkv = true, .fused_gate_up = true},
    {.name = "gpt2",
     .norm = NormKind::kLayer,
     .rope = RopeKind::kNone,
     .activation = Activation::kGeluTanh,
     .gated = false,
     .position_embedding = true,
     .qkv_bias = Presence::kAlways,
     .output_bias = Presence::kAlways,
     .ffn_bias = Presence::kAlways,
     .fused_qkv = true},
    // Pythia. Its activation is the exact one; llama.cpp computes the approximation.
    {.name = "gptneox",
     .norm = NormKind::kLayer,
     .activation = Activation::kGelu,
     .gated = false,
     .parallel_residual = true,
     .qkv_bias = Presence::kAlways,
     .output_bias = Presence::kAlways,
     .ffn_bias = Presence::kAlways,
     .fused_qkv = true},
};

}  // namespace

const Architecture* FindArchitecture(std::string_view name) {
  for (const Architecture& a : kArchitectures) {
    if (a.name == name) return &a;
  }
  return nullptr;
}

std::string ArchitectureNames() {
  std::string out;
  for (const Architecture& a : kArchitectures) out += StrCat(out.empty() ? "" : ", ", a.name);
  return out;
}

}  // namespace lp
