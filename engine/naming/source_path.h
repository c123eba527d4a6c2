/* The texts of sources, without looking at files. Pure. */
#pragma once

#include <stdbool.h>

#include <arec/sources.h>

/* Whether @text is `scheme://...`. */
bool arec_source_is_url (const char *text);
