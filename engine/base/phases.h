/* Phases of threads, for the engine itself: arec/phases.h says what they are. */
#pragma once

#include <arec/phases.h>
