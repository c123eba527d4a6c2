/* The state machine of a transposed chunk out of a fuzz input, and what it must decode to. A
 * second walk finds that, written to be right and not to be fast, for comparison with the
 * decoder (FORMAT.md 7.4, 7.5). One thread. */
#pragma once

#include "forge_transposed.h"
#include "fuzz.h"

typedef struct {
    GArray *states;     /* of TestState */
    GPtrArray *buffers; /* of GByteArray; the last has the lengths of raw records */
    uint32_t first;
    ArecBytes transitions; /* within the input */
} FuzzMachine;

/* Takes from @input a machine whose header is right: every base is a state, every tag valid. */
FuzzMachine *fuzz_machine_new (ArecBytes *input);
void fuzz_machine_free (FuzzMachine *machine); /* takes NULL */

/* What it decodes to. false: nothing, it is not a chunk. */
typedef struct {
    GByteArray *values; /* the records, one after the other; g_byte_array_unref () */
    GArray *ends;       /* of uint64_t; g_array_unref () */
    bool is_too_long;   /* this walk gave up: the outcome is unknown */
} FuzzDecoded;

bool fuzz_machine_run (const FuzzMachine *machine, FuzzDecoded *decoded);
void fuzz_decoded_clear (FuzzDecoded *decoded);

/* The parts of a body with this machine. Takes from @input which buffers share a bucket.
 * test_body_free (). */
TestBody *fuzz_machine_body (const FuzzMachine *machine, ArecBytes *input);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (FuzzMachine, fuzz_machine_free)
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (FuzzDecoded, fuzz_decoded_clear)
