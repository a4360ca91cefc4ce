#pragma once
// `sep doctor`: whether everything that the platform needs is there and agrees with the configuration.
#include "engine/settings.h"

namespace sep::app {

/// Prints a line for each check. 0 where all passed, 1 where one failed.
int run_doctor(const engine::Settings& settings);

}  // namespace sep::app
