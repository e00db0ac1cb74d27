# SPDX-License-Identifier: MIT
# The Debian package: cpack -G DEB in a build of the preset release (ci/package does it and asks lintian).
include(GNUInstallDirs)
set(package_dir ${PROJECT_BINARY_DIR}/package)

string(TIMESTAMP rfc_date "%a, %d %b %Y %H:%M:%S +0000" UTC)
set(VERSION ${PROJECT_VERSION})
set(RFC_DATE ${rfc_date})
set(DYGRAPHS "")
if(EXISTS ${DRTEST_DYGRAPHS}/dygraph.min.js)
  set(DYGRAPHS "Comment: drtest carries dygraphs (2006 to 2022 Dan Vanderkam and others, Expat) in its program, as Debian packages it.\n")
endif()
configure_file(packaging/copyright.in ${package_dir}/copyright @ONLY)
configure_file(packaging/changelog.in ${package_dir}/changelog @ONLY)
find_program(GZIP gzip REQUIRED)
foreach(name IN ITEMS changelog)
  add_custom_command(OUTPUT ${package_dir}/${name}.gz DEPENDS ${package_dir}/${name} VERBATIM
    COMMAND sh -c "'${GZIP}' -9nc '${package_dir}/${name}' >'${package_dir}/${name}.gz'")
endforeach()
foreach(page IN ITEMS drtest.1 drtest-scenario.5 drtest-result.5 drgateway.1)
  set(from ${PROJECT_BINARY_DIR}/man/${page})
  if(page STREQUAL drgateway.1)
    set(from ${PROJECT_SOURCE_DIR}/docs/man/${page})
  endif()
  add_custom_command(OUTPUT ${package_dir}/${page}.gz DEPENDS ${from} VERBATIM
    COMMAND sh -c "'${GZIP}' -9nc '${from}' >'${package_dir}/${page}.gz'")
  list(APPEND zipped ${package_dir}/${page}.gz)
endforeach()
add_custom_target(package-files ALL DEPENDS ${package_dir}/changelog.gz ${zipped})
add_dependencies(package-files manuals)

install(FILES ${package_dir}/drtest.1.gz ${package_dir}/drgateway.1.gz DESTINATION ${CMAKE_INSTALL_MANDIR}/man1)
install(FILES ${package_dir}/drtest-scenario.5.gz ${package_dir}/drtest-result.5.gz DESTINATION ${CMAKE_INSTALL_MANDIR}/man5)
install(FILES ${package_dir}/copyright ${package_dir}/changelog.gz CHANGELOG.md README.md DESTINATION ${CMAKE_INSTALL_DOCDIR})
install(DIRECTORY scenarios DESTINATION ${CMAKE_INSTALL_DATADIR}/drtest FILES_MATCHING PATTERN "*.yaml")
install(DIRECTORY share/prometheus DESTINATION ${CMAKE_INSTALL_DATADIR}/drtest FILES_MATCHING PATTERN "*.yml")
install(FILES drtest.schema.json packaging/apparmor DESTINATION ${CMAKE_INSTALL_DATADIR}/drtest)

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME drtest)
set(CPACK_PACKAGE_CONTACT "The drtest authors <drtest@example.org>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "chaos and disaster recovery drills for API gateways")
set(CPACK_DEBIAN_PACKAGE_DESCRIPTION
"drtest builds a small world of regions out of network namespaces, sends steady
traffic through it, breaks something on purpose, and measures from the clients'
side how long the service was bad (RTO) and which acknowledged writes are gone
(RPO), against the targets of a scenario. Reports are HTML, JUnit, JSON,
Markdown and Prometheus text. A reference gateway comes with it.")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_SECTION net)
set(CPACK_DEBIAN_PACKAGE_PRIORITY optional)
set(CPACK_DEBIAN_PACKAGE_RECOMMENDS "gdnsd")
set(CPACK_DEBIAN_PACKAGE_HOMEPAGE "https://github.com/drtest/drtest")
set(CPACK_DEBIAN_PACKAGE_CONTROL_EXTRA "${PROJECT_SOURCE_DIR}/packaging/postinst;${PROJECT_SOURCE_DIR}/packaging/postrm")
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
include(CPack)
