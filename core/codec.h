#pragma once

/// Codecs: how values become bytes and come back. See Codec in codec_base.h.
#include "paracord/core/codec_base.h"
#include "paracord/core/codec_containers.h"
#include "paracord/core/codec_serialize.h"
#include "paracord/core/codec_std.h"
#include "paracord/core/why_not_encodable.h"
