// What the API answers, one function per address: a checked request in, JSON out. They share nothing but the engine.
#pragma once

#include "engine/engine.h"
#include "server/request.h"
#include "wire/wire.h"

namespace lp {

// How the engine's tokens look, for wire; `engine` must outlive it.
PieceOf PiecesOf(const Engine& engine);

// Texts (text_answers.cc).
Result<Json> TokenizeAnswer(Engine& engine, const Json& request);
Result<Json> ChatAnswer(Engine& engine, const Json& request);

// One step (step_answers.cc).
Result<Json> NextAnswer(Engine& engine, const Json& request);
Result<Json> DrawAnswer(Engine& engine, const Json& request);
Result<Json> CompareAnswer(Engine& engine, const Json& request);
Result<Json> TranslateAnswer(Engine& engine, const Json& request);
Result<Json> CodeAnswer(Engine& engine, const Json& request);

// Questions around a step (look_answers.cc).
Result<Json> SampleAnswer(Engine& engine, const Json& request);
Result<Json> SearchAnswer(Engine& engine, const Json& request);
Result<Json> SweepAnswer(Engine& engine, const Json& request);
Result<Json> PathAnswer(Engine& engine, const Json& request);

// --- Shared by them.

// The step's logits through the settings; a refusal is about them, for everything else was checked before.
Result<Trace> Shape(const Evaluation& evaluation, const TokenPath& path, const Resolved& resolved, const std::string& field);
// The end of a chain: draws a token, or takes the likeliest one left.
DrawnToken Choose(const Trace& trace, bool greedy);
// The answer to `draw`.
Json DrawnJson(const Engine& engine, const Trace& trace, const DrawnToken& drawn, bool greedy);

}  // namespace lp
