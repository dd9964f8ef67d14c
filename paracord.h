#pragma once

/// All of Paracord that a program needs to run loops: Parallel, delayed, and the built-in backends.
#include "paracord/backends/processes/processes.h"
#include "paracord/backends/sequential/sequential.h"
#include "paracord/backends/threads/threads.h"
#include "paracord/backends/worker/initialize.h"
#include "paracord/cache/memory.h"
#include "paracord/core/cpu_count.h"
#include "paracord/core/observer.h"
#include "paracord/core/parallel.h"
#include "paracord/core/register_exception.h"
#include "paracord/core/registry.h"
#include "paracord/core/worker.h"
#include "paracord/memmap/array.h"
#include "paracord/memmap/compressor.h"
#include "paracord/memmap/hash.h"
#include "paracord/memmap/persist.h"
