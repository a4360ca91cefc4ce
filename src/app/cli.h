#pragma once
// The command line: `sep COMMAND …`. Every command's --help says what it does and shows an example.

namespace sep::app {

/// What `sep` ends with; --help lists them.
enum ExitCode : int {
  kExitOk = 0,
  kExitNotFilled = 1,    // the intent ended without a fill; a check or a comparison failed
  kExitUsage = 2,        // the command line or what it asks for is wrong
  kExitUnreachable = 3,  // the platform, or a part that it needs, does not answer
  kExitTimeout = 4,      // --wait ended before the intent did
};

/// Parses and runs; returns the exit code.
int run_cli(int argc, const char* const* argv);

}  // namespace sep::app
