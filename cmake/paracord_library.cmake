include(${CMAKE_CURRENT_LIST_DIR}/layers.cmake)

# The folder whose rules hold for a target: backend_threads stands in backends/threads, persistence in memmap.
function(paracord_folder_of name result)
  if(name MATCHES "^backend_")
    set(${result} backends PARENT_SCOPE)
  elseif(name STREQUAL "scheduler_server")
    set(${result} scheduler_server PARENT_SCOPE)
  elseif(name STREQUAL "persistence")
    set(${result} memmap PARENT_SCOPE)
  else()
    set(${result} ${name} PARENT_SCOPE)
  endif()
endfunction()

# paracord_add_library(NAME <target> DIRECTORY <dir> SOURCES ... HEADERS ... [DEPENDS ...] [PRIVATE ...])
#
# Makes the shared library libparacord_<target>, its alias paracord::<target>, its install rules and the
# check that each public header compiles alone. DEPENDS names Paracord targets and is held against the
# layer table; PRIVATE names libraries of others. FOR_DEVELOPERS: only programs that are developed need it,
# so the library goes where the headers go.
function(paracord_add_library)
  cmake_parse_arguments(ARG "FOR_DEVELOPERS" "NAME;DIRECTORY" "SOURCES;HEADERS;DEPENDS;PRIVATE" ${ARGN})
  paracord_folder_of(${ARG_NAME} folder)
  foreach(dependency IN LISTS ARG_DEPENDS)
    paracord_folder_of(${dependency} other)
    if(NOT other STREQUAL folder AND NOT other IN_LIST PARACORD_LAYER_${folder})
      message(FATAL_ERROR "layers: '${folder}' may not use '${other}' (${ARG_NAME} -> ${dependency}); "
                          "allowed: ${PARACORD_LAYER_${folder}}")
    endif()
  endforeach()

  set(target paracord_${ARG_NAME})
  list(TRANSFORM ARG_SOURCES PREPEND ${PROJECT_SOURCE_DIR}/${ARG_DIRECTORY}/)
  list(TRANSFORM ARG_HEADERS PREPEND ${PARACORD_INCLUDE_ROOT}/paracord/${ARG_DIRECTORY}/
       OUTPUT_VARIABLE headers)
  add_library(${target} SHARED ${ARG_SOURCES})
  add_library(paracord::${ARG_NAME} ALIAS ${target})
  target_sources(${target} PUBLIC FILE_SET HEADERS BASE_DIRS ${PARACORD_INCLUDE_ROOT} FILES ${headers})
  list(TRANSFORM ARG_DEPENDS PREPEND paracord::)
  target_link_libraries(${target} PUBLIC ${ARG_DEPENDS} PRIVATE ${ARG_PRIVATE} paracord_build_flags)
  target_compile_features(${target} PUBLIC cxx_std_20)
  # Pool threads may be parked in this code when a plug-in that loaded it is closed.
  target_link_options(${target} PRIVATE LINKER:-z,nodelete)
  set_target_properties(${target} PROPERTIES
    EXPORT_NAME ${ARG_NAME} VERSION ${PROJECT_VERSION} SOVERSION ${PARACORD_SOVERSION}
    VERIFY_INTERFACE_HEADER_SETS ON
    # The libraries find each other where they are installed together.
    INSTALL_RPATH "$ORIGIN")
  set(component runtime)
  if(ARG_FOR_DEVELOPERS)
    set(component dev)
  endif()
  install(TARGETS ${target} EXPORT paracord_targets
    LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT ${component} NAMELINK_COMPONENT dev
    FILE_SET HEADERS COMPONENT dev)
  set_property(GLOBAL APPEND PROPERTY PARACORD_LIBRARIES ${ARG_NAME})
endfunction()
