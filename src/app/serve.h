#pragma once
// `sep serve`: runs any set of services in one process, until SIGINT or SIGTERM.
#include <string>
#include <vector>

#include "engine/settings.h"

namespace sep::app {

/// The roles of `--services`.
const std::vector<std::string>& service_names();

/// Exit code 0 after an orderly stop, 3 where a service could not start.
int run_serve(const engine::Settings& settings, std::vector<std::string> services);

}  // namespace sep::app
