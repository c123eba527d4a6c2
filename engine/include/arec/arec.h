/* libarec: read ArrayRecord files. Includes all public headers. */
#pragma once

#include <arec/cancel.h>
#include <arec/damage.h>
#include <arec/engine.h>
#include <arec/error.h>
#include <arec/outputs.h>
#include <arec/readahead.h>
#include <arec/reader.h>
#include <arec/repair.h>
#include <arec/sources.h>
#include <arec/text.h>
#include <arec/verify.h>
#include <arec/version.h>
