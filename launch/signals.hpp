#pragma once

namespace bayesum {

// On the main thread. From here on the first SIGUSR1 or SIGTERM asks for a stop; the second ends
// the process at once, as it would without this. SIGCONT, which schedulers send along, does
// nothing.
void watch_signals();

// Has a stop been asked for?
bool stop_requested();

// A rank that stopped on request has nothing left to do but to end, and does so with its own code:
// Slurm's srun -K1 sends SIGTERM to the slower ones as soon as the first has ended.
void ignore_signals();

// Signals end the process again.
void release_signals();

}  // namespace bayesum
