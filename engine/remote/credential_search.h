/* One search for credentials: what it may use, and where it has looked in vain. One thread at a
 * time.
 */
#pragma once

#include <stdbool.h>

#include <glib.h>

#include "remote/credential.h"
#include "remote/environment.h"
#include "remote/patience.h"

typedef struct {
    const ArecEnvironment *environment;
    const ArecPatience *patience;
    const char *ca_file; /* NULL: by the environment, else the system's */
    const char *region;  /* AWS: of STS */
    bool has_region;     /* an option or the environment says so */
    const char *sts_url; /* AWS: of STS; NULL: that of the region */
    GString *looked;     /* `PLACE: what was found; PLACE: ...` */
} ArecCredentialSearch;

typedef enum {
    AREC_CREDENTIAL_BROKEN = false, /* an error is set, as by arec_fail (): look no further */
    AREC_CREDENTIAL_ABSENT,         /* it was noted why: look on */
    AREC_CREDENTIAL_PRESENT,        /* this is the one */
} ArecCredentialFound;

/* One place to look at. Of the two results the one that fits is set. */
typedef ArecCredentialFound (*ArecCredentialPlace) (ArecCredentialSearch *search,
                                                    const void *account, ArecCredential **out,
                                                    GError **error);

/* Notes a place and what was found there; returns ABSENT. */
ArecCredentialFound arec_credential_search_note (ArecCredentialSearch *search,
                                                 const char *format, ...) G_GNUC_PRINTF (2, 3);

/* Makes the credential; BROKEN: out of memory. */
ArecCredentialFound arec_credential_search_take (const ArecCredentialParts *parts,
                                                 ArecCredential **out, GError **error);

/* Looks at @n places one after the other.
 * @of  `AWS`, for the message where nothing is found. */
bool arec_credential_search_run (ArecCredentialSearch *search, const char *of,
                                 const ArecCredentialPlace *places, size_t n,
                                 const void *account, ArecCredential **out, GError **error);
