#include "app/cli.h"

int main(int argc, char** argv) {
  return sep::app::run_cli(argc, argv);
}
