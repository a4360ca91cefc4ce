#pragma once
// `sep halt`, `sep resume`, `sep signer`: they speak with the state coordinator and the node, not with the
// gateway, so that they work while that is dead.
#include <string>

#include "engine/settings.h"

namespace sep::app {

struct ControlOptions {
  std::string reason;  // for people; may be empty
  bool json = false;   // print one JSON object
};

/// "user@host" of whoever runs this program.
std::string who();

// Each returns the exit code of the command. What is so already is left as it is, and said.

int run_halt(const engine::Settings& settings, const ControlOptions& options);
int run_resume(const engine::Settings& settings, const ControlOptions& options);
int run_signer_resume(const engine::Settings& settings, const ControlOptions& options);
/// What the record and the chain say of the account; kExitUnreachable where one of them does not answer.
int run_signer_status(const engine::Settings& settings, const ControlOptions& options);

}  // namespace sep::app
