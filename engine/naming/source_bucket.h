/* The objects of a bucket that a prefix or a pattern means. */
#pragma once

#include <stdbool.h>

#include <glib.h>

#include <arec/sources.h>

#include "remote/url.h"

/* Appends the objects that @url means, by a listing, and notes what is left out.
 *   PREFIX  every object below it whose name counts, as files below a directory: in byte order
 *           of their keys
 *   GLOB    those whose keys match, in the same order, each with @range (nullable)
 * Errors: NOT_FOUND (no such bucket, or no such object), INVALID (a range of a PREFIX),
 * UNSUPPORTED (nobody lists), those of arec_bucket_list (). Blocks on the network. */
bool arec_source_bucket_add (ArecSourceList *list, const ArecUrl *url,
                             const ArecRangeText *range, GError **error);
