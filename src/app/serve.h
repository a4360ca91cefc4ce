#pragma once
// `sep serve`: runs any set of services in one process, until SIGINT or SIGTERM.
#include <string>
#include <vector>

#include "engine/settings.h"

namespace sep::app {

/// `services` are names of services::service_names(); none: all of them. Exit code 0 after an orderly stop, 3
/// where a service could not start.
int run_serve(const engine::Settings& settings, std::vector<std::string> services);

}  // namespace sep::app
