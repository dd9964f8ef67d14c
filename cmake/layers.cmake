# The one table of which folder may include which other (DESIGN: layers). `paracord_add_library` refuses
# a link outside it, and the tidy test scans every #include against it.
#
# PARACORD_LAYER_<folder> lists the folders that <folder> may include besides itself.
set(PARACORD_LAYER_core "")
set(PARACORD_LAYER_memmap core)
set(PARACORD_LAYER_cache core memmap)
set(PARACORD_LAYER_scheduler core)
# The server of the scheduler, in scheduler/server: a target apart, since it does what the state machine must not.
set(PARACORD_LAYER_scheduler_server core scheduler transport)
set(PARACORD_LAYER_transport core memmap)
set(PARACORD_LAYER_backends core memmap transport)
set(PARACORD_LAYER_testkit core memmap cache scheduler scheduler_server transport backends)
set(PARACORD_LAYER_apps core memmap cache scheduler scheduler_server transport backends)
set(PARACORD_LAYER_examples core memmap cache scheduler scheduler_server transport backends testkit)
set(PARACORD_LAYER_bench core memmap cache scheduler scheduler_server transport backends testkit)
set(PARACORD_LAYER_tests core memmap cache scheduler scheduler_server transport backends testkit apps)
