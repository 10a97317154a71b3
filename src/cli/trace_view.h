// A trace as text: rows, stages, numbers, and what a dialect made of the settings.
#pragma once

#include <string>

#include "cli/terminal.h"
#include "dialect/dialect.h"
#include "metrics/metrics.h"
#include "sampling/trace.h"
#include "wire/wire.h"

namespace lp {

void PrintRows(const Terminal& terminal, const Trace& trace, size_t top, const PieceOf& pieces);
void PrintStages(const Trace& trace);
void PrintMetrics(const Metrics& metrics);
// Ignored settings, assumptions, decisions at a boundary; nothing where there is nothing to say.
void PrintRemarks(const Terminal& terminal, const Trace& trace, const Resolved& resolved);

// "top_p", or "mask" for what the model itself rules out.
std::string CutName(const Trace& trace, size_t cut_by);
// A divergence in bits; where it is infinite, what makes it so.
std::string Bits(double nats, double mass_cut);
// A number as short as it can be said.
std::string Short(double value);

}  // namespace lp
