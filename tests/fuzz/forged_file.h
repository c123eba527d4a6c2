/* A file made by the test's own writer from the steps in an input: true chunks, chunks that
 * lie, and footers that list something else. All its hashes match. */
#pragma once

#include "forge.h"
#include "fuzz.h"

/* A footer entry as numbers. */
typedef struct {
    uint64_t offset, decoded_size, n_records;
} FuzzForgedEntry;

typedef struct {
    TestForge *forge; /* finished: forge->file is the whole */
    GArray *entries;  /* of FuzzForgedEntry: what the footer lists */
    bool is_exact;    /* no entry is raw bytes, which `entries` would lack */
} FuzzForgedFile;

/* Takes steps from @input, up to the one that ends the list. */
FuzzForgedFile *fuzz_forged_file_new (ArecBytes *input);
void fuzz_forged_file_free (FuzzForgedFile *file); /* takes NULL */

G_DEFINE_AUTOPTR_CLEANUP_FUNC (FuzzForgedFile, fuzz_forged_file_free)
