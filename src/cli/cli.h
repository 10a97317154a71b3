// The command line. The only layer that writes to a terminal.
#pragma once

namespace lp {

// Exit status: 0 done, 1 failed (one sentence on stderr), 2 wrong usage (likewise).
int RunCli(int argc, char** argv);

}  // namespace lp
