# `cpack` in the build folder makes two Debian packages: paracord (libraries and commands) and paracord-dev
# (headers, CMake package, pkg-config file, testkit). scripts/package builds what they should hold.
set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME paracord)
set(CPACK_PACKAGE_CONTACT "The Paracord authors <paracord@localhost>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "${PROJECT_DESCRIPTION}")
set(CPACK_PACKAGE_VERSION ${PROJECT_VERSION})
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_PACKAGE_DIRECTORY ${PROJECT_BINARY_DIR}/packages)
set(CPACK_STRIP_FILES ON)
set(CPACK_COMPONENTS_ALL runtime dev)
set(CPACK_DEB_COMPONENT_INSTALL ON)

set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_ENABLE_COMPONENT_DEPENDS ON)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
# The libraries of the other package and of this one, as the build made them.
get_property(libraries GLOBAL PROPERTY PARACORD_LIBRARIES)
foreach(library IN LISTS libraries)
  get_target_property(folder paracord_${library} BINARY_DIR)
  list(APPEND CPACK_DEBIAN_PACKAGE_SHLIBDEPS_PRIVATE_DIRS ${folder})
endforeach()
# Of those who build packages against these: a dependency on this version or a later one.
set(CPACK_DEBIAN_PACKAGE_GENERATE_SHLIBS ON)
set(CPACK_DEBIAN_PACKAGE_GENERATE_SHLIBS_POLICY ">=")
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)

set(CPACK_DEBIAN_RUNTIME_PACKAGE_NAME paracord)
set(CPACK_DEBIAN_RUNTIME_PACKAGE_SECTION libs)
# Loaded when a worker has crashed, for the lines of its backtrace.
set(CPACK_DEBIAN_RUNTIME_PACKAGE_RECOMMENDS "libdw1")
set(CPACK_COMPONENT_RUNTIME_DESCRIPTION
  "A loop over independent tasks runs sequentially, on threads, in worker processes or on a cluster.
This package has the shared libraries that programs need, and the commands paracord (scheduler, node,
tools) and paracord-worker.")

set(CPACK_DEBIAN_DEV_PACKAGE_NAME paracord-dev)
set(CPACK_DEBIAN_DEV_PACKAGE_SECTION libdevel)
set(CPACK_COMPONENT_DEV_DEPENDS runtime)
set(CPACK_DEBIAN_DEV_PACKAGE_RECOMMENDS "g++ (>= 4:12), cmake (>= 3.25)")
set(CPACK_DEBIAN_DEV_PACKAGE_SUGGESTS "pkg-config, libcereal-dev, libeigen3-dev, libxtensor-dev, libgtest-dev")
set(CPACK_COMPONENT_DEV_DESCRIPTION
  "A loop over independent tasks runs sequentially, on threads, in worker processes or on a cluster.
This package has the headers, the CMake package, the pkg-config file, and the kit that tests backends of
one's own.")

foreach(package IN ITEMS runtime dev)
  string(TOUPPER ${package} upper)
  install(FILES LICENSE RENAME copyright DESTINATION ${CMAKE_INSTALL_DATADIR}/doc/${CPACK_DEBIAN_${upper}_PACKAGE_NAME}
          COMPONENT ${package})
endforeach()
include(CPack)
