/* Attributes of what stands for a source: permission bits, generation, time. Pure. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

#include <arec/arec.h>

#include "base/ownership.h"

/* @st: a source's attributes, made into those of what stands for it: a directory or a record,
 * without number, size and blocks. A user who may read a file may search the directory that
 * stands for it; a source directory's own bits say who may search it. */
void arecfs_attributes_adopt (struct stat *st, const ArecfsOwnership *ownership,
                              bool is_directory);

/* @hash with what must be the same for the handle of a file to be good: the sources, and that
 * they have not changed. */
uint64_t arecfs_attributes_generation (uint64_t hash, const struct stat *st);

/* The same for that of a record, which depends on what its number means as well: where the
 * slice begins and ends, and which chunks count. */
uint64_t arecfs_attributes_record_generation (uint64_t hash, const struct stat *st,
                                              const ArecFileInfo *info);

bool arecfs_attributes_is_newer (const struct timespec *a, const struct timespec *b);
