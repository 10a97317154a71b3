#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <spawn.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <thread>

#include "cli/commands.h"
#include "server/server.h"

extern char** environ;

namespace lp {
namespace {

// Opens `url` with the desktop's own opener, in the background. False where there is no desktop or no opener.
bool OpenBrowser(const std::string& url) {
  const auto set = [](const char* name) {
    const char* value = std::getenv(name);
    return value != nullptr && *value != '\0';
  };
  if (!set("DISPLAY") && !set("WAYLAND_DISPLAY")) return false;
  std::string opener = "xdg-open", address = url;
  char* argv[] = {opener.data(), address.data(), nullptr};
  posix_spawn_file_actions_t quiet;
  posix_spawn_file_actions_init(&quiet);
  posix_spawn_file_actions_addopen(&quiet, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
  posix_spawn_file_actions_addopen(&quiet, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
  pid_t pid = 0;
  const bool started = posix_spawnp(&pid, opener.c_str(), &quiet, nullptr, argv, environ) == 0;
  posix_spawn_file_actions_destroy(&quiet);
  return started;
}

}  // namespace

Status RunServe(const CommonOptions& common, const ServeOptions& options) {
  // SIGINT and SIGTERM go to one thread that waits for them; set before any other thread starts, so that all inherit
  // the mask.
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  std::signal(SIGPIPE, SIG_IGN);

  LP_ASSIGN_OR_RETURN(std::shared_ptr<Engine> engine, OpenEngine(common));
  const std::string name = engine->info().name;
  Server server(std::move(engine), EngineOptionsOf(common), kVersion);
  LP_RETURN_IF_ERROR(server.Bind({.host = options.host, .port = options.port}));
  std::thread stopper([&] {
    int signal = 0;
    sigwait(&signals, &signal);
    server.Stop();
  });
  const bool opened = options.open_browser && OpenBrowser(server.url());
  fmt::print(stderr, "logitpeek: {} is at {}{} (Ctrl-C stops)\n", name, server.url(),
             opened ? ", opening in your browser" : "");
  server.Run();
  ::kill(::getpid(), SIGTERM);  // where Run ended by itself, the stopper still waits
  stopper.join();
  return Ok();
}

}  // namespace lp
