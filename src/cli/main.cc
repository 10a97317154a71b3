#include "cli/cli.h"

int main(int argc, char** argv) { return lp::RunCli(argc, argv); }
