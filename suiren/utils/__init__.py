"""What belongs to no layer: data loading (`utils.data`)."""
