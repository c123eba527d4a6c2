/* A machine, and the walk of a chunk through it, as the chunk stores them (FORMAT.md 7.2, 7.5).
 *
 * Functions without state, over a machine that was built of the symbols; any thread.
 */
#pragma once

#include <stdbool.h>

#include "base/buffer.h"
#include "riegeli/transposed_machine.h"
#include "riegeli/transposed_symbols.h"

/* The second half of the header: states, subtypes, buffers, first state. The fields of
 * @symbols have their buffers. Returns false if out of memory. */
bool arec_machine_bytes_append_states (const ArecTransposedMachine *machine,
                                       const ArecTransposedSymbols *symbols,
                                       ArecBuffer *header);

/* The transitions. Returns false if out of memory. */
bool arec_machine_bytes_append_transitions (const ArecTransposedMachine *machine,
                                            const ArecTransposedSymbols *symbols,
                                            ArecBuffer *transitions);
