#pragma once

#include <string>
#include <vector>

struct Point {
  double x, y;
};

struct Curve {
  std::string name;    ///< in the legend
  std::string colour;  ///< as SVG names it
  std::vector<Point> points;
};

struct Plot {
  std::string title, x_label, y_label;
  std::vector<Curve> curves;
};

/// Draws curves over axes that begin at 0, as an SVG file.
///
/// Errors: std::runtime_error, with the path, where the file cannot be written.
void write_svg(const Plot& plot, const std::string& path);
