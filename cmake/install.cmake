# The installed package: find_package(paracord [COMPONENTS core backend_threads …]) and pkg-config.
include(CMakePackageConfigHelpers)

set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/paracord)
get_property(PARACORD_COMPONENTS GLOBAL PROPERTY PARACORD_LIBRARIES)
install(EXPORT paracord_targets NAMESPACE paracord:: DESTINATION ${package_dir} COMPONENT dev)
configure_package_config_file(cmake/paracord-config.cmake.in ${CMAKE_CURRENT_BINARY_DIR}/paracord-config.cmake
  INSTALL_DESTINATION ${package_dir})
write_basic_package_version_file(${CMAKE_CURRENT_BINARY_DIR}/paracord-config-version.cmake
  COMPATIBILITY ${PARACORD_COMPATIBILITY})
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/paracord-config.cmake
              ${CMAKE_CURRENT_BINARY_DIR}/paracord-config-version.cmake DESTINATION ${package_dir} COMPONENT dev)

# From the .pc file to the prefix: the package may be installed anywhere.
set(pkgconfig_dir ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
file(RELATIVE_PATH PARACORD_PC_TO_PREFIX /prefix/${pkgconfig_dir} /prefix)
string(REGEX REPLACE "/$" "" PARACORD_PC_TO_PREFIX "${PARACORD_PC_TO_PREFIX}")
configure_file(cmake/paracord.pc.in ${CMAKE_CURRENT_BINARY_DIR}/paracord.pc @ONLY)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/paracord.pc DESTINATION ${pkgconfig_dir} COMPONENT dev)
